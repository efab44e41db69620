"""Ends the connection of a client that was answered before it had sent its whole request.

Otherwise the server would read, and throw away, whatever such a client still sends, for as long as it likes.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LINGER_SECONDS: Final = 2.0
_LINGER_BYTES: Final = 25_000_000
"""What is still read before the answer: most clients look for it only when they have sent everything, and a connection
that is closed before that may take the answer with it. It is as much as a document may have."""


class UnreadBodies:
    """Reads a little more of a request that is answered early, and then closes its connection: plain ASGI."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        arrived = False

        async def noted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived = not message.get("more_body", False)  # a disconnection has no more either
            return message

        async def linger() -> None:
            left_bytes = _LINGER_BYTES
            async with asyncio.timeout(_LINGER_SECONDS):
                while not arrived and left_bytes > 0:
                    left_bytes -= len((await noted()).get("body", b""))

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start" and not arrived:
                try:
                    if "expect" not in headers:  # such a client waits before it sends anything
                        await linger()
                except TimeoutError:
                    pass
                if not arrived:
                    MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, noted, closing)
