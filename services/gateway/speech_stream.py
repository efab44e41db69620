"""The response of the speech route: audio as it is spoken, or the same as server-sent events.

When something fails after the first byte, the connection is closed without the end of the chunked body, which every
HTTP client reports as an error. A client that goes away, or that takes nothing for too long, ends everything at once.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Final, Literal

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway import openai_errors
from services.gateway.connection import gone
from services.gateway.problem_kinds import kind_of
from shared.addresses import scrub
from shared.deadlines import deadline
from shared.errors import DeadlineExceeded, PodcastError

log = structlog.get_logger(__name__)

StreamKind = Literal["audio", "sse"]

_RETRY_SECONDS: Final = 5
SSE_MEDIA_TYPE: Final = "text/event-stream"
EVENT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "description": "each event",
    "properties": {
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "`speech.audio.delta` with audio in base64, or `speech.audio.done`",
        }
    },
    "required": ["data"],
}
"""For the OpenAPI document, in which the schema of such a stream is that of one event (3.1 cannot say that better)."""


class SpeechStream(Response):
    """Sends audio that is still being made.

    Args:
        first: the first piece.
        rest: the other pieces; closed at the end.
        kind: bare audio, or events.
        characters: of the text, for the usage.
        seconds: how much was spoken so far, asked at the end.
        media_type: of the audio.
        headers: of the response.
        piece_seconds: the longest wait for a piece.
        stall_seconds: a client that takes nothing for so long is left.
        stopping: set when the process stops.
        on_end: called at the end, however it ends.
    """

    def __init__(
        self,
        first: bytes,
        rest: AsyncGenerator[bytes, None],
        *,
        kind: StreamKind,
        characters: int,
        seconds: Callable[[], float],
        media_type: str,
        headers: Mapping[str, str],
        piece_seconds: float,
        stall_seconds: float,
        stopping: asyncio.Event,
        on_end: Callable[[], None],
    ) -> None:
        self.status_code = 200
        self.background = None
        self.media_type = SSE_MEDIA_TYPE if kind == "sse" else media_type
        self.init_headers({**headers, "X-Accel-Buffering": "no"})
        self._first, self._rest, self._is_sse = first, rest, kind == "sse"
        self._characters, self._seconds = characters, seconds
        self._piece_seconds, self._stall_seconds = piece_seconds, stall_seconds
        self._stopping, self._on_end = stopping, on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send it; returns when it is sent, or when there is no use in sending more."""
        sending = asyncio.create_task(self._send(send))
        tasks = {sending, asyncio.create_task(gone(receive)), asyncio.create_task(self._stopping.wait())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await self._rest.aclose()
            self._on_end()
        if not sending.cancelled() and (error := sending.exception()) is not None:
            log.error("a stream failed", exc_info=error)
        # uvicorn closes the connection of a response that returns without its end.

    async def _send(self, send: Send) -> None:
        async def put(data: bytes, *, more: bool = True) -> None:
            async with asyncio.timeout(self._stall_seconds):
                await send({"type": "http.response.body", "body": data, "more_body": more})

        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await put(self._packed(self._first))
            while piece := await self._next():
                await put(self._packed(piece))
            await put(self._end(), more=False)
        except TimeoutError:
            log.info("a stream's client takes nothing", seconds=self._stall_seconds)
        except PodcastError as error:
            log.warning("a stream ends early", reason=str(error))
            if self._is_sse:
                kind = kind_of(error)
                document = openai_errors.body(kind.status, scrub(str(error)), code=kind.name)
                with contextlib.suppress(TimeoutError):
                    await put(_event({"type": "error", **document}, name="error"))

    async def _next(self) -> bytes:
        """The next piece; empty at the end. The chunks have a deadline of their own, so this one is the encoder's."""
        async with deadline(self._piece_seconds, "encoding the next piece of audio"):
            return await anext(self._rest, b"")

    def _packed(self, piece: bytes) -> bytes:
        if not self._is_sse:
            return piece
        return _event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()})

    def _end(self) -> bytes:
        if not self._is_sse:
            return b""
        seconds = math.ceil(self._seconds())
        usage = {"input_tokens": self._characters, "output_tokens": seconds, "total_tokens": self._characters + seconds}
        return _event({"type": "speech.audio.done", "usage": usage})


async def first_of(
    request: Request, pieces: AsyncGenerator[bytes, None], *, stopping: asyncio.Event, seconds: float
) -> bytes | None:
    """The first piece; None if the client goes away or the process stops before.

    Args:
        request: whose client is watched; its body has been read.
        pieces: what is awaited.
        stopping: set when the process stops.
        seconds: the longest wait.
    """

    async def first() -> bytes:
        return await anext(pieces, b"")

    getting = asyncio.create_task(first())
    others = {asyncio.create_task(gone(request.receive)), asyncio.create_task(stopping.wait())}
    try:
        await asyncio.wait({getting, *others}, return_when=asyncio.FIRST_COMPLETED, timeout=seconds)
        if getting.done():
            return getting.result()
        if not any(task.done() for task in others):
            raise DeadlineExceeded(f"No audio was produced within {seconds:g} s.", hint="Repeat the request.")
        return None
    finally:
        for task in {getting, *others}:
            task.cancel()
        await asyncio.wait({getting, *others})


def _event(document: dict[str, Any], *, name: str = "") -> bytes:
    line = f"event: {name}\n" if name else ""
    return f"{line}data: {json.dumps(document)}\n\n".encode()
