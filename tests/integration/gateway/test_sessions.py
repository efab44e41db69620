"""The page's session: who gets one, what it opens, and who cannot use somebody else's."""

from __future__ import annotations

import math
import time
from urllib.parse import urlsplit

import httpx
import pytest

from shared.client import api_keys
from shared.client.page_tokens import PageToken
from tests.integration.gateway.conftest import STACK_KEY, Gateway
from tests.waiting import until


def browser(gateway: Gateway, **headers: str) -> httpx.AsyncClient:
    """A client that keeps cookies and names its origin, as the page in a browser does."""
    return httpx.AsyncClient(
        base_url=gateway.url, headers={"Origin": gateway.url, "Sec-Fetch-Site": "same-origin", **headers}, timeout=30
    )


async def test_a_key_opens_a_session_that_does_what_the_key_does(gateway: Gateway) -> None:
    token = await gateway.key("read")
    async with browser(gateway) as client:
        assert (await client.get("/v1/session")).json()["signed_in"] is False
        assert (await client.get("/v1/jobs")).status_code == 401
        signed_in = await client.post("/v1/session", json={"key": token})
        assert signed_in.json()["scopes"] == ["read"]
        cookie = signed_in.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert token not in cookie
        assert (await client.get("/v1/jobs")).status_code == 200
        assert (await client.post("/v1/jobs", json={"text": "Hello."})).status_code == 403
        assert (await client.get("/v1/session")).json()["name"] == "test"

        await client.delete("/v1/session")
        assert (await client.get("/v1/jobs")).status_code == 401


async def test_a_session_ends_with_its_key(gateway: Gateway) -> None:
    token = await gateway.key("read")
    parsed = api_keys.parse(token)
    assert parsed is not None
    async with browser(gateway) as client:
        await client.post("/v1/session", json={"key": token})
        assert (await client.get("/v1/jobs")).status_code == 200
        await api_keys.revoke(gateway.store, parsed[0])

        async def is_refused() -> bool:
            return (await client.get("/v1/jobs")).status_code == 401

        await until(is_refused, "the session of the revoked key", seconds=20)  # a gateway remembers it for some
        assert (await client.post("/v1/session", json={})).status_code == 401


async def test_a_session_ends_by_itself(gateway: Gateway) -> None:
    key = api_keys.key_of(STACK_KEY, name="stack", scopes=api_keys.SCOPES)
    async with browser(gateway) as client:
        for expires_at, status in ((math.ceil(time.time()) + 60, 200), (1, 401)):
            token = PageToken.signed(key, "session", expires_at=expires_at)
            client.cookies.set(_cookie_name(gateway), str(token))
            assert (await client.get("/v1/jobs")).status_code == status
            client.cookies.clear()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": ""},
    ],
)
async def test_no_other_page_can_use_the_cookie(gateway: Gateway, headers: dict[str, str]) -> None:
    async with browser(gateway) as client:
        await client.post("/v1/session", json={"key": STACK_KEY})
        for method, path in (
            ("POST", "/v1/jobs"),
            ("GET", "/v1/jobs"),
            ("DELETE", "/v1/session"),
            ("POST", "/v1/session"),
        ):
            refused = await client.request(method, path, headers=headers, json={"text": "Hello."})
            assert (refused.status_code, refused.json()["type"]) == (403, "/problems/foreign-origin"), (method, path)


async def test_what_may_change_something_must_say_where_it_comes_from(gateway: Gateway) -> None:
    async with browser(gateway) as client:
        await client.post("/v1/session", json={"key": STACK_KEY})
        cookies = dict(client.cookies)
    async with httpx.AsyncClient(base_url=gateway.url, cookies=cookies) as client:
        assert (await client.get("/v1/jobs")).status_code == 200
        assert (await client.post("/v1/jobs", json={"text": "Hello."})).status_code == 403


async def test_a_ticket_opens_a_session_and_nothing_else(gateway: Gateway) -> None:
    key = api_keys.key_of(STACK_KEY, name="stack", scopes=api_keys.SCOPES)
    now = math.ceil(time.time())
    good, old = (str(PageToken.signed(key, "ticket", expires_at=at)) for at in (now + 60, now - 1))
    async with browser(gateway) as client:
        assert (await client.post("/v1/session", json={"ticket": old})).status_code == 401
        client.cookies.set(_cookie_name(gateway), good)
        assert (await client.get("/v1/jobs")).status_code == 401
        client.cookies.clear()
        assert (await client.post("/v1/session", json={"ticket": good})).json()["name"] == "stack"
        assert (await client.get("/v1/jobs")).status_code == 200


async def test_behind_tls_the_cookie_is_sent_over_tls_alone(gateway: Gateway) -> None:
    secure = gateway.url.replace("http://", "https://")
    async with browser(gateway, Origin=secure) as client:
        answer = await client.post("/v1/session", json={"key": STACK_KEY})
    assert "Secure" in answer.headers["set-cookie"]


async def test_the_page_needs_no_key_and_runs_nothing_of_others(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.url) as client:
        page = await client.get("/")
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        script = page.text.partition('src="')[2].partition('"')[0]
        found = await client.get(script)
        assert "immutable" in found.headers["cache-control"]
        assert (await client.get(script, headers={"If-None-Match": found.headers["etag"]})).status_code == 304
        assert (await client.get("/page/page.js?v=old")).headers["cache-control"] == "no-cache"
        assert (await client.get("/page/..%2f..%2fapp.py")).status_code == 404
        assert (await client.head("/")).status_code == 200


def _cookie_name(gateway: Gateway) -> str:
    return f"podcast_session_{urlsplit(gateway.url).port}"
