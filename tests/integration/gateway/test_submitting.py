"""Submitting a job over HTTP: as JSON, or as a form with a file; everything that a client may say arrives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from shared.client.job_pages import jobs_page
from shared.protocol.messages import JobRequest, ObjectSource, PauseLengths, TextSource, UrlSource
from shared.store import keys
from tests.integration.gateway.conftest import Gateway
from tests.unit.cli.test_sources import a_zip
from tests.waiting import until

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
EPUB = a_zip("mimetype", "META-INF/container.xml")
SUBMITTED = "chunker"
MEGABYTE = 1_000_000


async def request_of(gateway: Gateway, response: httpx.Response) -> JobRequest:
    """The job that a response is about, as it was stored."""
    assert response.status_code == 202, response.text
    return JobRequest.model_validate_json(await gateway.store.get(keys.request(response.json()["job_id"])))


async def jobs_of(gateway: Gateway) -> int:
    return len((await jobs_page(gateway.store, limit=1_000)).jobs)


def uploads_of(gateway: Gateway) -> list[Path]:
    """What is on the disk besides the store."""
    return [
        path for path in Path(gateway.services.environment["TMPDIR"]).glob("podcast-gateway-*/*") if path.name != "lock"
    ]


def form(data: bytes, name: str = "book.epub", **options: Any) -> dict[str, Any]:
    return {"files": {"file": (name, data)}, "data": {"options": json.dumps(options)} if options else {}}


async def test_everything_that_a_client_may_say_of_a_job_arrives(shared: Gateway) -> None:
    options: dict[str, Any] = {
        "title": "Title",
        "author": "Author",
        "language": "de-AT",
        "voice": "anna",
        "model": "m",
        "speed": 1.5,
        "max_parallel": 7,
        "formats": ["m4b", "opus"],
        "loudness": "stereo",
        "pauses": {"sentence": 1, "paragraph": 2, "heading": 3, "chapter": 4, "turn": 5},
        "metadata": {"album": "Essays"},
    }
    narration = {
        "read": "everything",
        "tables": False,
        "links": "address",
        "lexicon": [{"word": "nginx", "say": "engine x"}],
        "voices": {"de-AT": "eva"},
        "speakers": {"HOST": "max"},
    }

    response = await shared.client.post(
        "/v1/jobs",
        json={"text": "# Heading\n\nWords.", "source_format": "markdown", "narration": narration, **options},
    )

    request = await request_of(shared, response)
    assert request.source == TextSource(text="# Heading\n\nWords.", format="markdown")
    assert request.pauses == PauseLengths(sentence=1, paragraph=2, heading=3, chapter=4, turn=5)
    assert request.model_dump(mode="json").items() >= options.items()
    assert request.narration.model_dump(mode="json", exclude_defaults=True) == narration
    assert response.headers["location"] == response.json()["links"]["self"] == f"/v1/jobs/{request.job_id}"


async def test_a_form_brings_a_document_a_cover_and_options(shared: Gateway) -> None:
    response = await shared.client.post(
        "/v1/jobs",
        files={"file": ("folder/My Book.epub", EPUB), "cover": ("c", PNG)},
        data={"options": json.dumps({"title": "My Book", "formats": ["m4b"]})},
    )

    request = await request_of(shared, response)
    assert isinstance(request.source, ObjectSource)
    assert (request.source.name, request.source.format, request.title) == ("My Book.epub", "epub", "My Book")
    assert await shared.store.get(request.source.key) == EPUB
    assert request.cover is not None
    assert await shared.store.get(request.cover) == PNG
    assert uploads_of(shared) == []


async def test_a_form_may_bring_an_address_and_its_cover(shared: Gateway) -> None:
    response = await shared.client.post(
        "/v1/jobs",
        files={"cover": ("c.png", PNG), "options": (None, b'{"url": "http://93.184.215.14/page"}', "application/json")},
    )

    request = await request_of(shared, response)
    assert isinstance(request.source, UrlSource)
    assert request.cover is not None


async def test_a_small_text_in_a_file_travels_inside_the_message(shared: Gateway) -> None:
    request = await request_of(shared, await shared.client.post("/v1/jobs", **form(b"# Words", "notes.md")))
    assert request.source == TextSource(text="# Words", format="markdown")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ({"json": {}}, "bad-input", "nothing to speak"),
        ({"json": {"text": "x", "url": "https://example.org"}}, "bad-input", "text and url"),
        ({"json": {"text": ""}}, "bad-input", "/text"),
        ({"json": {"text": " \n "}}, "bad-source", "empty"),
        ({"json": {"text": "x", "speed": 9}}, "bad-input", "/speed"),
        ({"json": {"text": "x", "speed": "1"}}, "bad-input", "/speed"),
        ({"json": {"text": "x", "formats": ["mp3", "mp3"]}}, "bad-input", "each format"),
        ({"json": {"text": "x", "language": "klingon!"}}, "bad-input", "/language"),
        ({"json": {"text": "x", "title": "a\nb"}}, "bad-input", "/title"),
        ({"json": {"text": "x", "pauses": {"sentence": -1}}}, "bad-input", "/pauses/sentence"),
        ({"json": {"text": "x", "titel": "T"}}, "bad-input", "/titel"),
        ({"json": {"text": "x", "sound": "mine"}}, "bad-input", "/sound"),
        ({"json": {"text": "x", "source_format": "epub"}}, "bad-source", "no EPUB file"),
        (form(EPUB, text="x"), "bad-input", "text and file"),
        (form(b"", "a.txt"), "bad-source", "empty"),
        (form(b"no such thing", "a.pdf"), "bad-source", "PDF"),
        (form(b"no zip", "a.epub"), "bad-source", "no EPUB file"),
        (form(b"\x7fELF\x02\x01\x01\0", "a.xyz"), "bad-source", "a binary file"),
        (form(b"words", "a.txt", speed=0), "bad-input", "speed"),
        ({"files": {"file": ("a.txt", b"x"), "cover": ("c.gif", b"GIF89a")}}, "bad-source", "neither JPEG nor PNG"),
        ({"files": {"file": ("a.txt", b"x"), "other": ("o", b"x")}}, "bad-input", "other"),
        ({"files": [("file", ("a.txt", b"x")), ("file", ("b.txt", b"x"))]}, "bad-input", "two fields"),
        ({"files": {"cover": ("c.png", PNG)}}, "bad-input", "nothing to speak"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_place(
    shared: Gateway, body: dict[str, Any], kind: str, said: str
) -> None:
    before = await jobs_of(shared), await shared.services.ready_messages(SUBMITTED)

    response = await shared.client.post("/v1/jobs", **body)

    assert (response.status_code, response.json()["type"]) == (422, f"/problems/{kind}"), response.text
    assert said in response.text
    assert (await jobs_of(shared), await shared.services.ready_messages(SUBMITTED)) == before
    assert uploads_of(shared) == []


async def test_what_is_too_large_is_refused(shared: Gateway) -> None:
    too_large = [
        await shared.client.post("/v1/jobs", **form(b"x" * 20_000_001, "a.txt")),
        await shared.client.post("/v1/jobs", **form(b"x" * 6_000_000, "a.txt")),
        await shared.client.post("/v1/jobs", json={"text": "x" * 2_000_001}),
        await shared.client.post(
            "/v1/jobs", files={"file": ("a.txt", b"x"), "cover": ("c.png", PNG + b"\0" * 10_000_000)}
        ),
    ]

    assert [(each.status_code, each.json()["type"]) for each in too_large] == [(413, "/problems/too-large")] * 4
    assert "multipart" in too_large[2].json()["detail"]
    assert uploads_of(shared) == []


async def test_an_upload_of_20_megabytes_takes_no_memory_of_the_gateway(shared: Gateway, tmp_path: Path) -> None:
    process = psutil.Process(shared.worker.process.pid)
    book = tmp_path / "book.epub"
    book.write_bytes(EPUB[:-22] + os.urandom(19_900_000) + EPUB[-22:])
    await shared.client.post("/v1/jobs", **form(b"words " * 20_000, "warm-up.txt"))
    before = peak = process.memory_info().rss

    async def send() -> httpx.Response:
        with book.open("rb") as file:
            return await shared.client.post("/v1/jobs", files={"file": ("book.epub", file)})

    sending = asyncio.gather(*(send() for _ in range(4)))
    while not sending.done():
        peak = max(peak, process.memory_info().rss)
        await asyncio.sleep(0.002)
    responses = await sending

    after = process.memory_info().rss
    print(f"resident: before {before / 1e6:.1f} MB, peak {peak / 1e6:.1f} MB, after {after / 1e6:.1f} MB")  # noqa: T201
    request = await request_of(shared, responses[0])
    assert isinstance(request.source, ObjectSource)
    assert await shared.store.size(request.source.key) == book.stat().st_size
    assert peak - before < 10 * MEGABYTE, (before, peak)
    assert uploads_of(shared) == []


async def test_a_client_that_stops_in_the_middle_of_an_upload_leaves_nothing(shared: Gateway) -> None:
    before = await jobs_of(shared), await shared.services.ready_messages(SUBMITTED)
    host, port = shared.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {shared.client.headers['authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 5000000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    )
    writer.write(head.encode() + b"words " * 100_000)
    await writer.drain()
    await until(lambda: [path for path in uploads_of(shared) if list(path.iterdir())], "the upload is on the disk")
    writer.transport.abort()
    await until(lambda: uploads_of(shared) == [], "the upload is gone")

    assert (await jobs_of(shared), await shared.services.ready_messages(SUBMITTED)) == before
    del reader


async def test_a_form_without_an_end_is_refused_and_leaves_nothing(shared: Gateway) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nwords'
    response = await shared.client.post(
        "/v1/jobs", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )

    assert (response.status_code, response.json()["type"]) == (400, "/problems/bad-request")
    assert uploads_of(shared) == []


async def test_a_form_that_does_not_stop_is_stopped(shared: Gateway) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        while sent < 100 * MEGABYTE:
            sent += 65_536
            yield b"x" * 65_536

    with contextlib.suppress(httpx.WriteError, httpx.ReadError):  # the gateway has answered and closed the connection
        response = await shared.client.post(
            "/v1/jobs", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
        assert response.status_code == 413
    assert sent < 60 * MEGABYTE
    await until(lambda: uploads_of(shared) == [], "the upload is gone")
