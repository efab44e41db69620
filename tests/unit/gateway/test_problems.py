"""Every kind of problem has a page, and the document lists it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from docs import problems as problems_document
from services.gateway.app import build
from services.gateway.problem_kinds import HTTP_KINDS, KINDS, kind_of, kinds
from shared.settings import Settings


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return build(Settings(store_url=tmp_path.as_uri()))[0]


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


def test_the_document_is_up_to_date() -> None:
    assert problems_document.DOCUMENT.read_text(encoding="utf-8") == problems_document.written(), "run `make docs`"


def test_each_error_of_the_table_is_of_its_own_kind_and_each_name_means_one_thing() -> None:
    for error, kind in KINDS.items():
        assert kind_of(error("x") if error is not Exception else ValueError("x")) is kind
    assert len(kinds()) == len({id(kind) for kind in (*KINDS.values(), *HTTP_KINDS.values())})
    assert all(re.fullmatch(r"[a-z-]+", kind.name) and kind.meaning for kind in kinds())


async def test_each_kind_has_a_page_for_people_and_for_programs(app: FastAPI) -> None:
    async with client(app) as web:
        for kind in kinds():
            shown = (await web.get(f"/problems/{kind.name}")).json()
            assert (shown["title"], shown["status"]) == (kind.title, kind.status)
            page = await web.get(f"/problems/{kind.name}", headers={"Accept": "text/html,*/*"})
            assert page.headers["content-type"].startswith("text/html")
            assert "script" not in page.headers["content-security-policy"]
        assert (await web.get("/problems/nonsense")).status_code == 404


class Outside(HTMLParser):
    """Collects what a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe", "object", "form"}:
            self.found.append(tag)
        self.found += [f"{name}={value}" for name, value in attrs if name in {"src", "style"} or name.startswith("on")]
        self.found += [str(value) for name, value in attrs if name == "href" and str(value).startswith(("http", "//"))]


async def test_the_page_of_the_api_names_every_operation_and_loads_nothing(app: FastAPI) -> None:
    async with client(app) as web:
        page = await web.get("/docs")
        document = (await web.get("/openapi.json")).json()
    outside = Outside()
    outside.feed(page.text)
    assert outside.found == []
    for path, item in document["paths"].items():
        assert path in page.text
        for operation in item.values():
            assert f'id="{operation["operationId"]}"' in page.text


async def test_a_bug_is_a_problem_with_the_id_that_is_in_the_log(app: FastAPI) -> None:
    @app.get("/bug")
    async def bug(request: Request) -> None:
        raise ZeroDivisionError(request.url.path)

    async with client(app) as web:
        response = await web.get("/bug", headers={"X-Request-ID": "my-request"})
    assert (response.status_code, response.json()["type"]) == (500, "/problems/internal-error")
    assert response.json()["detail"] == "ZeroDivisionError"
    assert response.headers["x-request-id"] == "my-request"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_allow_names_all_methods_of_an_address(app: FastAPI) -> None:
    async with client(app) as web:
        assert (await web.put("/v1/keys")).headers["allow"] == "GET, POST"
        assert (await web.put("/v1/keys/0123456789ab")).headers["allow"] == "DELETE, GET"
        assert (await web.get("/v1/dead-letters/replay")).headers["allow"] == "POST"
