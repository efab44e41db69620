"""A site with feeds and pages, on loopback addresses: it answers well, slowly, without end, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import html
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]
TEXT = "The lighthouse keeper wrote down what the sea did that night, and what he thought of it afterwards. "


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    host: str
    headers: dict[str, str]


@dataclass
class FeedServer:
    """Answers by path; what has no answer is not found.

    Attributes:
        answers: path → how it is answered.
        requests: what was asked, in order.
        hosts: loopback addresses to listen on, each a host of its own to whoever counts by host.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    hosts: tuple[str, ...] = ("127.0.0.1",)
    port: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def url(self, path: str = "/feed.xml", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def asked(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]

    @contextlib.contextmanager
    def listening(self) -> Iterator[FeedServer]:
        """Listen, in a thread with a loop of its own, so that it answers whatever the loop of the test does."""
        loop = asyncio.new_event_loop()
        listeners: list[socket.socket] = []
        for host in self.hosts:
            listeners.append(socket.create_server((host, self.port)))
            self.port = listeners[-1].getsockname()[1]

        def serve() -> None:
            for listener in listeners:
                loop.run_until_complete(asyncio.start_server(self._serve, sock=listener))
            loop.run_forever()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(self._hang_up, loop)
            thread.join(5)
            for listener in listeners:
                listener.close()

    def _hang_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what hangs, so that whoever waits for it learns of it."""
        for writer in self._open:
            writer.transport.abort()
        loop.call_later(0.05, loop.stop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            request = Request(head[0].split(" ")[1], headers["host"].rpartition(":")[0], headers)
            self.requests.append(request)
            await self.answers.get(request.path, answering("404 Not Found"))(request, writer)
        writer.close()
        self._open.discard(writer)


def answering(status: str, body: bytes | str = b"", **headers: str) -> Answer:
    """An answer; headers are named as in `content_type`."""
    data = body.encode() if isinstance(body, str) else body

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        lines += [f"Content-Length: {len(data)}", "Connection: close"]
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        await writer.drain()

    return answer


def serving(body: bytes | str, *, content_type: str = "application/rss+xml", **headers: str) -> Answer:
    """A document."""
    return answering("200 OK", body, content_type=content_type, **headers)


def page(text: str, *, title: str = "A page") -> Answer:
    """An article with a menu around it."""
    body = "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n"))
    return serving(
        f"<html><head><title>{title}</title></head><body><nav><a href='/'>Home</a> <a href='/all'>Archive</a></nav>"
        f"<article><h1>{title}</h1>{body}</article><footer>Imprint</footer></body></html>",
        content_type="text/html; charset=utf-8",
    )


async def never(_: Request, writer: asyncio.StreamWriter) -> None:
    """Accepts, reads, and says nothing."""
    await writer.drain()
    await asyncio.sleep(3_600)


async def trickling(_: Request, writer: asyncio.StreamWriter) -> None:
    """A feed that never ends, a byte at a time, so that no read time-out fires."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n\r\n<rss>")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def flooding(_: Request, writer: asyncio.StreamWriter) -> None:
    """A feed that never ends, as fast as it is read."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n\r\n<rss><channel>")
    while True:
        writer.write(b"<item><title>x</title></item>" * 1_000)
        await writer.drain()


def item(number: int, *, text: str | None = None, link: str = "", guid: str = "", **more: Any) -> str:
    """An item of an RSS feed; later numbers are newer."""
    fields = {
        "title": f"Story {number}",
        "guid": guid or f"urn:story:{number}",
        "link": link,
        "pubDate": f"{1 + number % 28:02d} Oct 2026 {number // 28 % 24:02d}:00:00 GMT",
        "content:encoded": f"<p>{TEXT * 3}</p><p>This is story {number}.</p>" if text is None else text,
        **more,
    }
    return (
        "<item>"
        + "".join(f"<{name}>{html.escape(value)}</{name}>" for name, value in fields.items() if value)
        + "</item>"
    )


def rss(items: Iterable[str], *, title: str = "The Lighthouse", more: str = "") -> str:
    """An RSS feed, newest first."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>{title}</title><link>https://example.org/</link><description>d</description>{more}"
        + "".join(items)
        + "</channel></rss>"
    )


def stories(count: int, **fields: Any) -> str:
    """An RSS feed of so many stories."""
    return rss(item(number, **fields) for number in range(count, 0, -1))
