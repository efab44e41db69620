"""Clients of an event stream that misbehave: raw sockets, since no HTTP library would do it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Literal
from urllib.parse import urlsplit

Manner = Literal["reads nothing", "resets", "closes its half", "closes", "says something"]
MANNERS: tuple[Manner, ...] = ("reads nothing", "resets", "closes its half", "closes", "says something")
_RECEIVE_BYTES = 4_096
_READ_BYTES = 65_536


class RawStream:
    """One connection with a stream on it. It reads nothing unless it is asked to."""

    def __init__(self, url: str, path: str, key: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 0)
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n"
            "Accept: text/event-stream\r\n\r\n"
        ).encode()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)

    async def open(self) -> None:
        """Connect and send the request."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, self._address)
        await loop.sock_sendall(self._socket, self._request)

    async def has_begun(self) -> bytes:
        """The first bytes of the answer."""
        return await asyncio.get_running_loop().sock_recv(self._socket, _READ_BYTES)

    async def until_end(self) -> bytes:
        """Everything up to the end of the connection."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while some := await asyncio.get_running_loop().sock_recv(self._socket, _READ_BYTES):
                data += some
        return data

    async def leave(self, manner: Manner) -> None:
        """Go away, more or less."""
        match manner:
            case "resets":
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._socket.close()
            case "closes its half":
                self._socket.shutdown(socket.SHUT_WR)
            case "closes" | "reads nothing":
                self._socket.close()
            case "says something":
                await asyncio.get_running_loop().sock_sendall(self._socket, self._request)

    def close(self) -> None:
        """Close it whatever it did."""
        self._socket.close()
