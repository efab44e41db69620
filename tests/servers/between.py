"""Stands between a client and its store, and loses the answer to one request or holds the request back."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Literal
from urllib.parse import urlsplit


class Between:
    """In front of a store.

    Attributes:
        url: the store, reached through here.
        answers: what the server answered to the request that was interfered with.
        released: lets a request that is held back go on to the server.
    """

    def __init__(self, url: str, request: bytes, doing: Literal["lose", "hold"]) -> None:
        parts = urlsplit(url)
        self.url = url
        self.answers: list[bytes] = []
        self.released = asyncio.Event()
        self._place = f"{parts.hostname}:{parts.port}"
        self._request = request
        self._doing = doing
        self._is_hit = False

    def listens(self, port: int) -> None:
        """From now on requests can be sent to this port."""
        self.url = self.url.replace(self._place, f"127.0.0.1:{port}")

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection of the client."""
        host, port = self._place.split(":")
        server_reader, server_writer = await asyncio.open_connection(host, port)
        is_this_one, answered = asyncio.Event(), asyncio.Event()

        async def requests() -> None:
            while data := await reader.read(65_536):
                if not self._is_hit and re.match(self._request, data):
                    self._is_hit = True
                    is_this_one.set()
                    if self._doing == "hold":
                        await self.released.wait()
                server_writer.write(data)
            if is_this_one.is_set() and self._doing == "hold":
                await answered.wait()  # though its client has gone
            server_writer.close()

        async def answers() -> None:
            while data := await server_reader.read(65_536):
                if is_this_one.is_set() and data.startswith(b"HTTP/1.1 "):
                    self.answers.append(data)
                    answered.set()
                    if self._doing == "lose":
                        break
                writer.write(data)
            answered.set()  # or the server has closed the connection
            writer.close()

        with contextlib.suppress(OSError):
            await asyncio.gather(requests(), answers())


@contextlib.asynccontextmanager
async def between(url: str, request: bytes, *, doing: Literal["lose", "hold"] = "lose") -> AsyncIterator[Between]:
    """Stand in front of a store.

    Args:
        url: of the store.
        request: a pattern of the first line of the request; the first one that matches is interfered with.
        doing: carry it out, but close the connection before the response; or hold it back until it is released, whether
            or not its client still waits then.
    """
    found = Between(url, request, doing)
    async with await asyncio.start_server(found.connected, "127.0.0.1", 0) as server:
        found.listens(server.sockets[0].getsockname()[1])
        yield found
        assert found.answers, "the request was interfered with, and the server answered it"
