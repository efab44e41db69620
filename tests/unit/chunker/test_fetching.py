"""Fetching an address, from servers that behave well and badly."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shared.addresses import Allowed
from shared.errors import BadSource, DeadlineExceeded, PodcastError, TooLarge, Transient
from shared.fetching.fetching import Fetched, fetch

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def server(answer: Answer, *, port: int = 0) -> AsyncIterator[str]:
    """A server on this port, or a free one, that answers each request with `answer(path, writer)` and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(request.split(b" ")[1].decode(), writer)
        except ConnectionError:
            pass  # the client disconnected
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


def answering(status: str, body: bytes = b"", **headers: str) -> Answer:
    async def answer(_: str, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, f"content-length: {len(body)}", "connection: close", "", ""]).encode() + body)
        await writer.drain()

    return answer


async def get(url: str, *, limit_bytes: int = 100_000, deadline_seconds: float = 10) -> Fetched:
    return await fetch(
        url,
        limit_bytes=limit_bytes,
        deadline_seconds=deadline_seconds,
        connect_timeout_seconds=5,
        allowed=Allowed.parse("127.0.0.0/8"),
    )


async def test_a_page_comes_with_its_content_type_and_final_address() -> None:
    async def redirecting(path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/old":
            await answering("301 Moved Permanently", location="/new?a=b")(path, writer)
        else:
            await answering("200 OK", b"<p>Hi.</p>", content_type="text/html; charset=utf-8")(path, writer)

    async with server(redirecting) as url:
        assert await get(f"{url}/old") == Fetched(
            b"<p>Hi.</p>", "text/html; charset=utf-8", f"{url}/new?a=b", moved_to=f"{url}/new?a=b"
        )


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"]
)
async def test_a_status_that_will_not_change_is_a_bad_source_that_names_it(status: str) -> None:
    async with server(answering(status)) as url:
        with pytest.raises(BadSource, match=f"answered with {status}") as caught:
            await get(f"{url}/page")
    assert caught.value.hint


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable"])
async def test_a_busy_server_is_tried_again_when_it_says(status: str) -> None:
    async with server(answering(status, retry_after="17")) as url:
        with pytest.raises(Transient, match=status[:3]) as caught:
            await get(url)
    assert caught.value.retry_after_seconds == 17


async def test_a_body_over_the_limit_is_refused_while_it_comes() -> None:
    async def endless(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    async with server(endless) as url:
        with pytest.raises(TooLarge, match=r"over 0\.1 MB"):
            await get(url)


async def test_a_server_that_trickles_is_left_at_the_deadline() -> None:
    async def trickling(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _byte in range(1_000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(trickling) as url:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded, match=r"within 0\.5 s"):
            await get(url, deadline_seconds=0.5)
    assert time.monotonic() - started < 5


async def test_redirects_end() -> None:
    async with server(answering("302 Found", location="/")) as url:
        with pytest.raises(BadSource, match="redirects more than 8 times"):
            await get(url)


async def test_a_redirect_to_another_scheme_is_refused() -> None:
    async with server(answering("302 Found", location="file:///etc/passwd")) as url:
        with pytest.raises(BadSource, match="not http or https"):
            await get(url)


@pytest.mark.parametrize("url", ["ftp://example.org/a", "file:///etc/passwd", "example.org", "http://", "http://[::1"])
async def test_only_web_addresses_are_fetched(url: str) -> None:
    with pytest.raises(BadSource, match="not an http or https address"):
        await get(url)


async def test_a_host_without_an_address_is_named() -> None:
    with pytest.raises(Transient, match=r"The host nowhere\.invalid is not known"):
        await get("http://nowhere.invalid/page")


async def test_a_refused_connection_is_tried_again() -> None:
    async with server(answering("200 OK")) as url:
        pass
    with pytest.raises(Transient, match="refuses the connection"):
        await get(url)


async def test_a_cut_body_is_tried_again_and_never_taken_for_the_whole() -> None:
    async def cut(_: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
        await writer.drain()

    async with server(cut) as url:
        with pytest.raises(PodcastError) as caught:
            await get(url)
    assert isinstance(caught.value, Transient)
