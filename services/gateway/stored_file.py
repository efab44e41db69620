"""Sends an object of the store: conditions, one range, a piece at a time.

A piece is read when the one before it has been taken, so a file needs no more memory than a piece whatever its size,
and nothing is read for a client that is gone, or that takes nothing for a minute. What was read is one content: if the
object is replaced meanwhile, the response ends early, which a client sees by the length.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from fastapi import HTTPException, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway.backend import Backend
from services.gateway.byte_ranges import ByteRange, UnsatisfiableRange, asked_for
from services.gateway.episode_errors import FileLost
from services.gateway.preconditions import Validators, range_applies, verdict
from shared.errors import PodcastError
from shared.store.port import Store

log = structlog.get_logger(__name__)

PIECE_BYTES: Final = 512 * 1024
"""Read from the store in one call."""
_SENT_BYTES: Final = 64 * 1024
"""Given to the connection at a time."""
STALL_SECONDS: Final = 60.0
"""A client that takes less than `_SENT_BYTES` in this time (1 kB/s, a twentieth of speech in MP3) is cut off."""
_CACHE: Final = "private, no-cache"
"""A client may keep the file, and asks each time whether it is still the same: a job can be deleted."""


@dataclass(frozen=True)
class StoredObject:
    """What is sent.

    Attributes:
        key: in the store.
        media_type: for `Content-Type`.
        disposition: for `Content-Disposition`.
    """

    key: str
    media_type: str
    disposition: str


async def answer(request: Request, backend: Backend, wanted: StoredObject) -> Response:
    """The response that sends an object; conditions and ranges are for GET and HEAD.

    Raises:
        FileLost: the store does not have it.
        HTTPException: 412 or 416, as the request's conditions and range say.
        StoreDown: the store does not answer.
    """
    found = await backend.store.state(wanted.key)
    if found is None:
        raise FileLost("This file is no longer in the store.", hint="Submit the job again.")
    validators = Validators(found.tag, found.is_strong, found.modified)
    headers = {
        "ETag": validators.etag,
        "Last-Modified": validators.last_modified,
        "Cache-Control": _CACHE,
        "Vary": "Authorization, X-API-Key",
    }
    if request.method in {"GET", "HEAD"}:
        match verdict(request.headers, validators):
            case "failed":
                raise HTTPException(412, "The file does not match the condition.")
            case "not modified":
                return Response(status_code=304, headers=headers)
    if request.method == "GET" and (seconds := backend.settings.gateway_redirect_seconds):
        link = backend.store.link(
            wanted.key, seconds=seconds, content_type=wanted.media_type, disposition=wanted.disposition
        )
        if link is not None:
            return Response(status_code=307, headers={"Location": link, "Cache-Control": "no-store"})
    headers |= {
        "Accept-Ranges": "bytes",
        "Content-Type": wanted.media_type,
        "Content-Disposition": wanted.disposition,
    }
    part = _range(request, validators, found.size_bytes)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{found.size_bytes}"
    sent = part or ByteRange(0, found.size_bytes)
    headers["Content-Length"] = str(sent.length)
    if request.method == "HEAD":
        sent = ByteRange(0, 0)
    return _Streamed(backend, wanted.key, found.tag, sent, status_code=206 if part else 200, headers=headers)


def _range(request: Request, validators: Validators, size_bytes: int) -> ByteRange | None:
    """The range that is sent; None: all of it."""
    if request.method != "GET" or not range_applies(request.headers.get("if-range"), validators):
        return None
    try:
        return asked_for(request.headers.get("range"), size_bytes)
    except UnsatisfiableRange:
        raise HTTPException(
            416,
            f"The file has {size_bytes:,} bytes.",
            headers={"Content-Range": f"bytes */{size_bytes}", "Accept-Ranges": "bytes"},
        ) from None


class _Streamed(Response):
    """Some bytes of an object, as the body of a response whose headers say how many."""

    def __init__(
        self, backend: Backend, key: str, tag: str, sent: ByteRange, *, status_code: int, headers: dict[str, str]
    ) -> None:
        super().__init__(status_code=status_code, headers=headers)
        self._store: Store = backend.store
        self._stopping = backend.stopping
        self._last_seconds = backend.settings.grace_seconds / 2
        self._key, self._tag, self._sent = key, tag, sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until it is sent, the client is gone, or the process stops."""
        del scope
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.create_task(self._send(send))
        ends = {sending, asyncio.create_task(_until_gone(receive)), asyncio.create_task(self._until_stopped())}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends:
                task.cancel()
            await asyncio.wait(ends)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            if not isinstance(error, (PodcastError, TimeoutError)):
                raise error
            # The response has begun, so that no problem can be sent: the server closes the connection, and the client
            # notices that bytes are missing.
            log.warning("a download ends early", key=self._key, reason=str(error) or type(error).__name__)

    async def _send(self, send: Send) -> None:
        for start in range(self._sent.start, self._sent.end, PIECE_BYTES):
            length = min(PIECE_BYTES, self._sent.end - start)
            piece = memoryview(await self._store.get_range(self._key, start, length, tag=self._tag))
            if len(piece) < length:
                raise FileLost(f"The store has only {len(piece)} of {length} bytes.")
            for at in range(0, length, _SENT_BYTES):
                async with asyncio.timeout(STALL_SECONDS):
                    body = bytes(piece[at : at + _SENT_BYTES])
                    await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_stopped(self) -> None:
        """Ends some time after the process was asked to stop: what is nearly done may finish."""
        await self._stopping.wait()
        await asyncio.sleep(self._last_seconds)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
