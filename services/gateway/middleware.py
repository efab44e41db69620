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
from services.gateway.gateway_errors import Crowded
from services.gateway.problem_kinds import KINDS
from services.gateway.problems import bug, headers_of, problem
from shared.errors import TooLarge
from shared.runtime.http_guard import ADDRESS, CROWDED

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
HEALTH: Final = frozenset({"/healthz", "/readyz", "/metrics"})
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
    """Adds the request's id, the rate limit and the security headers to each response; a bug gets one too."""

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
        state["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request=request_id)
        began = False

        async def add_headers(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in {**_SECURITY, **state.get("rate_limit", {})}.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, add_headers)
        except Exception as error:
            if began:
                raise
            await bug(Request(scope), error)(scope, receive, add_headers)


class Room:
    """Answers nothing but health on connections that came when all others, or all of their address, were in use."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or CROWDED not in scope.get("state", {}) or scope["path"] in HEALTH:
            await self._app(scope, receive, send)
            return
        if scope["state"][CROWDED] == ADDRESS:
            error = Crowded("All connections that this address may have are in use.", hint="Close some, or reuse them.")
        else:
            error = Crowded("All connections of this gateway are in use.", hint="Try again in a moment.")
        headers = {**headers_of(error), "Connection": "close"}
        await problem(KINDS[Crowded], Request(scope), detail=str(error), headers=headers)(scope, receive, send)


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
    """Refuses a request whose body is over a limit: by its header, or as soon as it has sent more.

    The connection's guard reads on for a moment, so that the client gets the answer while it still sends.
    """

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error = TooLarge(
            f"The request is larger than the limit of {self._limit_bytes / 1e6:g} MB.",
            hint="Split the document, or raise PODCAST_SOURCE_LIMIT_BYTES.",
        )
        length = Headers(scope=scope).get("content-length", "0")
        announces_more = length.isdigit() and int(length) > self._limit_bytes
        if announces_more or not await self._within_limit(scope, receive, send, error):
            await problem(KINDS[TooLarge], Request(scope), detail=str(error))(scope, receive, send)

    async def _within_limit(self, scope: Scope, receive: Receive, send: Send, error: TooLarge) -> bool:
        """Pass the request on; False if its body was over the limit, and nothing was answered."""
        got_bytes = 0
        began = is_over = False

        async def counted() -> Message:
            nonlocal got_bytes, is_over
            message = await receive()
            if message["type"] == "http.request":
                got_bytes += len(message.get("body", b""))
                if got_bytes > self._limit_bytes:
                    is_over = True
                    raise error
            return message

        async def unless_over(message: Message) -> None:
            nonlocal began
            if is_over and not began:
                return  # whatever the application has made of the error (FastAPI: a body that cannot be parsed)
            began = True
            await send(message)

        try:
            await self._app(scope, counted, unless_over)
        except TooLarge as raised:
            if raised is not error or began:
                raise
        return began or not is_over
