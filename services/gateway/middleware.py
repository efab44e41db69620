"""What every response gets, and what every request must keep to: plain ASGI, so that streams pass through unchanged."""

from __future__ import annotations

import re
import secrets
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.event_wakes import FewAtOnce
from services.gateway.problems import KINDS, problem
from shared.errors import TooLarge

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Set where the route has not set the header itself."""


class ResponseHeaders:
    """Adds the request's id, the rate limit and the security headers to each response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        structlog.contextvars.bind_contextvars(request=request_id)

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in {**_SECURITY, **state.get("rate_limit", {})}.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, add_headers)


class InTurn:
    """Lets only a few of the requests that came in the same moment begin in one turn of the event loop.

    A thousand would stop all else for as long as they take together. `/healthz` does not wait.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._few = FewAtOnce()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"] != "/healthz":
            await self._few.turn()
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses a request whose body is over a limit: by its header, or as soon as it has sent more."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error = TooLarge(
            f"The request has more than {self._limit_bytes / 1e6:g} MB, which is the limit.",
            hint="Split the document, or raise PODCAST_SOURCE_LIMIT_BYTES.",
        )
        length = Headers(scope=scope).get("content-length", "0")
        began = False
        got_bytes = 0

        async def counted() -> Message:
            nonlocal got_bytes
            message = await receive()
            if message["type"] == "http.request":
                got_bytes += len(message.get("body", b""))
                if got_bytes > self._limit_bytes:
                    raise error
            return message

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        if length.isdigit() and int(length) > self._limit_bytes:
            await problem(KINDS[TooLarge], Request(scope), detail=str(error))(scope, receive, send)
            return
        try:
            await self._app(scope, counted, noted)
        except TooLarge as raised:
            if raised is not error or began:
                raise
            await problem(KINDS[TooLarge], Request(scope), detail=str(error))(scope, receive, send)
