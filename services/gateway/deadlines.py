"""Deadlines of requests: an answer begins in time, or is a problem.

`RequestDeadlines` is plain ASGI. A request has `gateway_request_seconds` until its answer begins, and an upload
`gateway_upload_seconds`; a route that needs another limit says so with `allow`. From then on the stream has its own
limits, and the connection's guard cuts off a client that takes nothing for `gateway_stall_seconds`.
"""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.bodies import SlowRequest
from services.gateway.problem_kinds import KINDS
from services.gateway.problems import problem
from shared.deadlines import EXPIRED
from shared.errors import DeadlineExceeded, PodcastError
from shared.settings import Settings

_KEY: Final = "deadline"
_UPLOAD: Final = "multipart/form-data"


def allow(request: Request, seconds: float) -> None:
    """Give the request this long from now on until its answer begins, instead of the setting's limit."""
    limit: asyncio.Timeout | None = getattr(request.state, _KEY, None)
    if limit is not None and not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time() + seconds)


class RequestDeadlines:
    """Ends requests that take too long."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        settings = self._settings
        is_upload = Headers(scope=scope).get("content-type", "").lower().startswith(_UPLOAD)
        seconds = settings.gateway_upload_seconds if is_upload else settings.gateway_request_seconds
        began = is_reading = False

        async def read() -> Message:
            nonlocal is_reading
            is_reading = True
            message = await receive()
            is_reading = False
            is_whole = message["type"] == "http.request" and not message.get("more_body")
            if is_upload and is_whole and not began and not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time() + settings.gateway_request_seconds)
            return message

        async def write(message: Message) -> None:
            nonlocal began
            if not began:
                began = True
                if not limit.expired():
                    limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(seconds) as limit:
                scope.setdefault("state", {})[_KEY] = limit
                await self._app(scope, read, write)
        except TimeoutError:
            if began or not limit.expired():  # not ours
                raise
            EXPIRED.labels("request").inc()
            error: PodcastError
            if is_reading:
                error = SlowRequest("The request did not arrive in time.", hint="Send it over a faster connection.")
            else:
                error = DeadlineExceeded("The request took too long.", hint="Try again, or ask for less at once.")
            await problem(KINDS[type(error)], Request(scope), detail=str(error))(scope, receive, send)
