"""A client's connection as uvicorn serves it, with what a stream needs beside ASGI: to be cut off at once.

ASGI has no means to end a connection whose client does not read: what it was sent would stay in memory, and its
descriptor open, for as long as the client likes.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

from fastapi import Request
from starlette.types import Receive

from shared.runtime.http_guard import GuardedProtocol

_SEND_BUFFER_BYTES: Final = 64_000
"""What the kernel keeps for a client that does not read. By itself it would let that grow to megabytes."""
_FLUSH_LOOK_SECONDS: Final = 0.02


class Connection(GuardedProtocol):
    """One connection. Requests find theirs with `connection_of`."""

    _is_stream = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """A client has connected."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": self}  # becomes the state of each request

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.app_state = {}
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The client has sent something. Who has a stream has nothing more to say.

        uvicorn would stop reading until the stream has ended, and so would not notice that the client is gone.
        """
        if self._is_stream:
            self.abort()
            return
        super().data_received(data)

    def begin_stream(self, *, silent_seconds: float) -> None:
        """Use this connection for a stream from now on.

        Args:
            silent_seconds: how long the client's machine may not confirm what it was sent.
        """
        self._is_stream = True
        found = self.transport.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(silent_seconds * 1_000))

    async def flushed(self, *, seconds: float) -> None:
        """Wait until everything is with the kernel; cut the connection if that takes longer."""
        try:
            async with asyncio.timeout(seconds):
                while self.transport.get_write_buffer_size():  # noqa: ASYNC110 - a transport tells of its marks alone
                    await asyncio.sleep(_FLUSH_LOOK_SECONDS)
        except TimeoutError:
            self.abort()


async def gone(receive: Receive) -> None:
    """Return when the client has gone away; the request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


def connection_of(request: Request) -> Connection | None:
    """The request's connection; None if it is served by something else than our server."""
    found: Any = request.scope.get("state", {}).get("connection")
    return found if isinstance(found, Connection) else None
