"""Bodies that no honest client sends: each is refused with a problem, and nothing is made of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from shared.client.job_pages import jobs_page
from tests.integration.gateway.conftest import Gateway

BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "no JSON": (b"{ not even JSON", 400),
    "two documents": (b'{"text": "x"}{"text": "y"}', 400),
    "a list": (b"[]", 422),
    "null": (b"null", 422),
    "a text": (b'"text"', 422),
    "a list nested 100,000 times": (b"[" * 100_000, 400),
    "an object nested 100,000 times": (b'{"metadata":' * 100_000, 400),
    "a field nested deeply": (b'{"text": "x", "metadata": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001, 400),
    "NaN": (b'{"text": "x", "speed": NaN}', 422),
    "Infinity": (b'{"text": "x", "speed": -Infinity}', 422),
    "a number over all bounds": (b'{"text": "x", "speed": 1e999999}', 422),
    "an integer of 100,000 digits": (b'{"text": "x", "max_parallel": ' + b"9" * 100_000 + b"}", 400),
    "an integer of 30 digits": (b'{"text": "x", "max_parallel": ' + b"9" * 30 + b"}", 422),
    "a fraction for an integer": (b'{"text": "x", "max_parallel": 1.5}', 422),
    "half a character": (b'{"text": "\\ud800"}', 400),
    "half a character in a name": (b'{"text": "x", "\\udc00": 1}', 400),
    "half a character in a title": (b'{"text": "x", "title": "\\ud800x"}', 400),
    "no UTF-8": (b'{"text": "\xff\xfe"}', 400),
    "UTF-16": ('{"text": "x"}'.encode("utf-16"), 400),
    "a NUL in a title": (b'{"text": "x", "title": "a\\u0000b"}', 422),
    "10,000 unknown fields": (json.dumps({"text": "x"} | {f"f{n}": n for n in range(10_000)}).encode(), 422),
    "a name of 1 MB": (b'{"text": "x", "' + b"n" * 1_000_000 + b'": 1}', 422),
    "a title of 1 MB": (b'{"text": "x", "title": "' + b"t" * 1_000_000 + b'"}', 422),
    "1,000 tags": (json.dumps({"text": "x", "metadata": {f"t{n}": "v" for n in range(1_000)}}).encode(), 422),
    "a text of control characters": (b'{"text": "' + b"\\u0000" * 1_000 + b'"}', 422),
}
MEDIA_TYPES: dict[str, int] = {
    "": 415,
    "text/plain": 415,
    "application/x-www-form-urlencoded": 415,
    "application/json; charset=utf-8": 202,
    "APPLICATION/JSON": 202,
    "application/xml": 415,
    "multipart/mixed; boundary=b": 415,
    "multipart/form-data": 400,
    "multipart/form-data; boundary=": 400,
    "multipart/form-data; boundary=" + "b" * 1_000: 400,
    ";;;": 415,
}
END = b"\r\n--b--\r\n"


def part(disposition: bytes, value: bytes = b"words") -> bytes:
    return b"--b\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + value


FORMS: dict[str, tuple[bytes, int]] = {
    "no form at all": (b"words", 400),
    "a form without fields": (b"--b--\r\n", 422),
    "a field without a name": (part(b"form-data") + END, 422),
    "a field without headers": (b"--b\r\n\r\nx" + END, 422),
    "a header without an end": (b"--b\r\nContent-Disposition: " + b"x" * 1_000_000, 400),
    "100,000 headers": (b"--b\r\n" + b"a: b\r\n" * 100_000 + b"\r\nx" + END, 400),
    "100,000 fields": ((part(b'form-data; name="options"', b"{}") + b"\r\n") * 100_000 + b"--b--\r\n", 422),
    "options that are no JSON": (part(b'form-data; name="options"', b"[[[") + END, 400),
    "a file name that climbs": (part(b'form-data; name="file"; filename="../../etc/cron.d/x.txt"') + END, 202),
    "a field name that climbs": (part(b'form-data; name="../file"; filename="a.txt"') + END, 422),
    "a file name in no encoding": (part(b'form-data; name="file"; filename="\xff\x00\x1b[31m.txt"') + END, 202),
    "a long file name": (part(b'form-data; name="file"; filename="' + b"n" * 3_000 + b'.txt"') + END, 202),
}


async def jobs_of(gateway: Gateway) -> int:
    return len((await jobs_page(gateway.store, limit=1_000)).jobs)


@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_document_is_refused(shared: Gateway, name: str) -> None:
    body, status = BODIES[name]
    before = await jobs_of(shared)

    response = await shared.client.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == status, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 100_000
    assert await jobs_of(shared) == before


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_a_media_type_is_read_or_refused(shared: Gateway, media_type: str) -> None:
    request = shared.client.build_request("POST", "/v1/jobs", content=b'{"text": "x"}')
    request.headers["content-type"] = media_type

    response = await shared.client.send(request)

    assert response.status_code == MEDIA_TYPES[media_type], response.text


@pytest.mark.parametrize("name", FORMS)
async def test_a_hostile_form_is_refused_or_made_harmless(shared: Gateway, name: str) -> None:
    body, status = FORMS[name]

    response = await shared.client.post(
        "/v1/jobs", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )

    assert response.status_code == status, response.text[:300]


@pytest.mark.parametrize("path", ["/v1/jobs", "/webhook/create-podcast", "/v1/prune"])
@pytest.mark.parametrize("name", BODIES)
async def test_no_body_makes_the_gateway_fail(shared: Gateway, path: str, name: str) -> None:
    response = await shared.client.post(path, content=BODIES[name][0], headers={"Content-Type": "application/json"})
    assert response.status_code in {200, 400, 413, 422}, response.text[:300]


async def test_a_body_that_trickles_is_given_up(shared: Gateway) -> None:
    (worker,) = shared.services.start("gateway", PODCAST_GATEWAY_UPLOAD_SECONDS="0.5")
    await shared.services.ready()
    host, port = worker.health_url.removeprefix("http://").split(":")
    form = part(b'form-data; name="file"; filename="a.txt"')
    for media_type, start in (("application/json", b""), ("multipart/form-data; boundary=b", form)):
        reader, writer = await asyncio.open_connection(host, int(port))
        head = (
            f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: {shared.client.headers['authorization']}\r\n"
            f"Content-Type: {media_type}\r\nContent-Length: 1000\r\n\r\n"
        )
        writer.write(head.encode() + start)
        answer = await asyncio.wait_for(_trickled(reader, writer), timeout=10)
        assert b" 408 " in answer.splitlines()[0]
        assert b"/problems/slow-request" in answer
        writer.close()


async def _trickled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    async def trickle() -> None:
        while True:
            writer.write(b"-")
            await writer.drain()
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    try:
        return await reader.read()
    finally:
        trickling.cancel()
        await asyncio.wait({trickling})


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/jobs", {"limit": "0"}),
        ("/v1/jobs", {"limit": "101"}),
        ("/v1/jobs", {"limit": "9" * 5_000}),
        ("/v1/jobs", {"cursor": "../../x"}),
        ("/v1/jobs", {"cursor": "x" * 65}),
        ("/v1/jobs", {"state": "speaking"}),
        ("/v1/jobs", {"since": "NaN"}),
        ("/v1/jobs", {"since": "1e999"}),
        ("/v1/jobs", {"until": "-1"}),
        ("/v1/jobs", {"title": "t" * 501}),
        ("/v1/jobs/a%00b", {}),
        ("/v1/jobs/..%2f..%2fx", {}),
        ("/v1/jobs/" + "x" * 65, {}),
        ("/v1/jobs/%ff", {}),
        ("/v1/jobs/nobody/chunks", {"cursor": "-1"}),
        ("/v1/jobs/nobody/chunks", {"cursor": "9" * 20}),
        ("/v1/jobs/nobody/chunks", {"cursor": "\u0661"}),
    ],
)
async def test_a_path_or_query_out_of_bounds_is_refused(shared: Gateway, path: str, query: dict[str, Any]) -> None:
    response = await shared.client.get(path, params=query)
    assert response.status_code in {404, 422}, response.text
    assert response.headers["content-type"] == "application/problem+json"
