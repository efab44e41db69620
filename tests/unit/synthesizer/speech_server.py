"""A real HTTP server on 127.0.0.1 with configurable answers: the good and the hostile speech servers of the tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Write = asyncio.StreamWriter
Answer = Callable[[dict[str, Any], Write], Awaitable[None]]
"""Gets the decoded request body, writes raw bytes; the connection is closed afterwards."""


@dataclass
class SpeechServer:
    """One server, whose answer may be changed while it runs."""

    answer: Answer
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    greetings: int = 0
    """GET requests so far; they are answered like the other requests."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def finished(self) -> None:
        """Wait until every connection so far has been closed."""
        while self._tasks:
            _, left = await asyncio.wait(self._tasks, timeout=2)
            assert not left, "connections that nobody closes"

    async def _serve(self, reader: asyncio.StreamReader, writer: Write) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:]}
            if head[0].startswith("GET "):
                self.greetings += 1
                await self.answer({}, writer)
                await writer.drain()
                writer.close()
                return
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.paths.append(head[0].split()[1])
            self.headers.append(headers)
            self.asked.append(body)
            await self.answer(body, writer)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[SpeechServer]:
    """A running server; when the block ends, so do its connections, hanging ones too."""
    server = SpeechServer(answer)
    handlers = server._tasks

    async def handle(reader: asyncio.StreamReader, writer: Write) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            await server._serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            handlers.discard(task)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in tuple(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


def head(status: int = 200, **headers: object) -> bytes:
    """The beginning of a response; `content_type="audio/wav"` is a header."""
    lines = [f"HTTP/1.1 {status} Whatever", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def sends(body: bytes | str, *, status: int = 200, **headers: object) -> Answer:
    """A server that answers everything with this."""
    content = body.encode() if isinstance(body, str) else body

    async def answer(_request: dict[str, Any], writer: Write) -> None:
        writer.write(head(status, content_length=len(content), **headers) + content)

    return answer


def fails(status: int, document: object = None, **headers: object) -> Answer:
    """A server that answers with an HTTP error and a JSON document."""
    return sends(json.dumps(document) if document is not None else "", status=status, **headers)


async def hangs(_request: dict[str, Any], _writer: Write) -> None:
    """Accepts, reads, and never responds."""
    await asyncio.Event().wait()


async def trickles(_request: dict[str, Any], writer: Write) -> None:
    """A byte every 20 ms, for ever: no read timeout ever fires."""
    writer.write(head(200, content_type="audio/wav"))
    while True:
        writer.write(b"R")
        await writer.drain()
        await asyncio.sleep(0.02)


async def never_stops(_request: dict[str, Any], writer: Write) -> None:
    """Sends as fast as it can, for ever."""
    writer.write(head(200, content_type="audio/wav"))
    while True:
        writer.write(bytes(100_000))
        await writer.drain()


async def hangs_up(_request: dict[str, Any], _writer: Write) -> None:
    """Closes the connection without a response."""


def cuts(body: bytes) -> Answer:
    """Announces the whole body and sends half of it."""

    async def answer(_request: dict[str, Any], writer: Write) -> None:
        writer.write(head(200, content_type="audio/wav", content_length=len(body)) + body[: len(body) // 2])

    return answer
