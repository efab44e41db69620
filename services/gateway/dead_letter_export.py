"""`GET /v1/dead-letters/export`: the dead letters themselves, as JSON lines, sent while they are read.

Nothing is kept: a letter is read from its queue, sent, and given back. So memory is bounded however many there are, and
a client that reads slowly delays other operators by `PODCAST_GATEWAY_OPERATION_SECONDS` at the most. An export that is
broken off ends without the last chunk of the response, so that no client takes it for a complete one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, Final

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import JsonValue
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.gateway import audit
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import backend
from services.gateway.connection import connection_of
from services.gateway.dead_letter_documents import JobAsked, QueueAsked, ReasonAsked, selection_of
from services.gateway.operators import at_the_letters
from services.gateway.problems import documented
from shared.dead_letters import export
from shared.dead_letters.selection import Selection
from shared.errors import PodcastError

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"], route_class=GuardedRoute)

MEDIA_TYPE: Final = "application/x-ndjson"
_PIECE_BYTES: Final = 64_000
_LINES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "JSON lines, one for each dead letter; none if there are none",
        "headers": {"Content-Disposition": {"description": "a file name", "schema": {"type": "string"}}},
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


class ExportResponse(Response):
    """Sends the selected dead letters.

    Args:
        request: that asks for them.
        selection: which.
        asked: the same, for the audit log.
    """

    media_type = MEDIA_TYPE

    def __init__(self, request: Request, selection: Selection, asked: dict[str, JsonValue]) -> None:
        super().__init__(headers={"Content-Disposition": 'attachment; filename="dead-letters.jsonl"'})
        del self.headers["content-length"]
        self._request = request
        self._selection = selection
        self._asked = asked
        self._waiting = bytearray()
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them; what goes wrong before the first is a problem, as with any route."""
        del scope, receive

        async def put(line: bytes) -> None:
            self._waiting += line
            if len(self._waiting) >= _PIECE_BYTES:
                await self._flush(send)

        target = next((f"{name} {value}" for name, value in self._asked.items()), "all")
        with self._time_limit():
            try:
                async with audit.record(
                    self._request, "dead-letters.export", target, selection=self._asked or {"all": True}
                ) as results:
                    results["count"] = await at_the_letters(
                        self._request, lambda letters: export.written(letters, self._selection, put)
                    )
                    await self._flush(send, more=False)
            except (PodcastError, ClientDisconnect) as error:
                if not self._has_begun:
                    raise
                # uvicorn closes the connection of a response that returns without its end.
                log.warning("an export ends early", reason=str(error) or "its client is gone, or was too slow")

    async def _flush(self, send: Send, *, more: bool = True) -> None:
        if not self._has_begun:
            self._has_begun = True
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        piece = bytes(self._waiting)
        self._waiting.clear()
        await send({"type": "http.response.body", "body": piece, "more_body": more})

    @contextlib.contextmanager
    def _time_limit(self) -> Iterator[None]:
        """Cut the client off when the time is up; until the first byte, the request's own deadline is sooner."""
        connection = connection_of(self._request)
        if connection is None:
            yield
            return
        seconds = backend(self._request).settings.gateway_operation_seconds
        limit = asyncio.get_running_loop().call_later(seconds, connection.abort)
        try:
            yield
        finally:
            limit.cancel()


@router.get("/export", response_class=Response, responses={**documented(409, 504), **_LINES})
@needs("operate")
async def export_dead_letters(
    request: Request, *, queue: QueueAsked = None, job_id: JobAsked = None, reason: ReasonAsked = None
) -> Response:
    """The dead letters as JSON lines, whole and without loss: properties, headers and body; they stay where they are.

    A line has what `GET /v1/dead-letters/each` shows of a letter, and `exchange`, `routing_key`, `properties`,
    `headers`, `body` and `body_encoding` (`utf-8` or `base64`); `podcast dlq export` writes the same. An export that
    cannot be completed ends without the end of the response (its last chunk): clients report an error then. Needs the
    scope `operate`.
    """
    asked: dict[str, JsonValue] = {
        name: value for name, value in (("queue", queue), ("job_id", job_id), ("reason", reason)) if value is not None
    }
    return ExportResponse(request, selection_of(queue, job_id, reason), asked)
