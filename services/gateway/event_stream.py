"""The response that is a stream of events: plain ASGI, written as a source has something, ended in every way at once.

It ends when the client goes away, also by half (it has closed its side); when the client does not read what it was sent
for longer than a limit; when the source has no more; and when the gateway stops. Each time everything is freed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.gateway import metrics
from services.gateway.connection import Connection, gone
from services.gateway.event_format import RETRY, block, comment
from services.gateway.event_wakes import FewAtOnce

log = structlog.get_logger(__name__)

MEDIA_TYPE: Final = "text/event-stream"
_FLUSH_SECONDS: Final = 1.0
"""How long a client may take for the last bytes of its stream."""
_JITTER: Final = 0.2
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect the events otherwise
    # The connection ends with the stream, so that nothing is left of a client that does not read.
    "Connection": "close",
}


class Source(Protocol):
    """Where a stream's events come from.

    Attributes:
        wake: set when there may be something to send.
    """

    wake: asyncio.Event

    async def take(self) -> bytes:
        """The next events that the client has not been sent; empty if there are none now."""

    def is_ended(self) -> bool:
        """Whether nothing more will come."""


@dataclass
class Lease:
    """For how long a stream may be open that was opened with a token.

    Attributes:
        warn_at: when to say that the token expires, on the clock of `time.monotonic`.
        ends_at: when it expires, on that clock.
        expires_at: the same, in seconds since the epoch.
    """

    warn_at: float
    ends_at: float
    expires_at: float

    def warning(self) -> bytes:
        """The event `expiring`, once, when it is time."""
        if time.monotonic() < self.warn_at:
            return b""
        self.warn_at = math.inf
        return block("expiring", {"expires_at": self.expires_at})


class EventStream(Response):
    """Writes what a source has, and a comment where it has nothing for a while.

    Args:
        source: of the events.
        held: what the stream has taken; closed when it has ended.
        stopping: set when the gateway stops.
        few: lets a few streams at a time end.
        connection: the client's; None where it is not served by our server.
        heartbeat_seconds: the longest time without a byte.
        send_seconds: how long the client may not read.
        stream_seconds: how long it may last; then the client connects again, and its key is checked again.
        lease: when its token expires; None: it has a key.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self,
        source: Source,
        held: contextlib.AsyncExitStack,
        *,
        stopping: asyncio.Event,
        few: FewAtOnce,
        connection: Connection | None,
        heartbeat_seconds: float,
        send_seconds: float,
        stream_seconds: float,
        lease: Lease | None = None,
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._source = source
        self._held = held
        self._stopping = stopping
        self._few = few
        self._connection = connection
        self._heartbeat_seconds = heartbeat_seconds
        self._send_seconds = send_seconds
        self._stream_seconds = stream_seconds
        self._lease = lease

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write until the stream ends."""
        del scope
        why = "failed"
        with metrics.STREAMS.track_inprogress():
            try:
                if self._connection is not None:
                    self._connection.begin_stream(silent_seconds=self._send_seconds)
                why = await self._until_it_ends(receive, send)
            finally:
                metrics.STREAMS_ENDED.labels(why).inc()
                await self._held.aclose()

    async def _until_it_ends(self, receive: Receive, send: Send) -> str:
        writing = asyncio.create_task(self._write(send), name="event stream")
        leaving = asyncio.create_task(gone(receive), name="event stream's client")
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                await self._few.turn()  # a thousand may leave at once
                return "left"
            return writing.result()
        except TimeoutError:
            if self._connection is not None:
                self._connection.abort()
            return "unread"
        finally:
            writing.cancel()
            leaving.cancel()
            await asyncio.gather(writing, leaving, return_exceptions=True)

    async def _write(self, send: Send) -> str:
        """Returns why the stream ended.

        Raises:
            TimeoutError: the client does not read.
        """
        await self._send(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._body(send, comment("podcast"))
        prefix, over = RETRY, time.monotonic() + self._stream_seconds * random.uniform(1 - _JITTER, 1)  # noqa: S311
        lease = self._lease
        why = ""
        while not why:
            if lease is not None and time.monotonic() >= lease.ends_at:
                why = "expired"
                continue
            if lease is not None and (warning := lease.warning()):
                await self._body(send, warning)
            data = await self._source.take()
            if data:
                await self._body(send, prefix + data)
                metrics.EVENTS_SENT.inc(data.count(b"\n\n"))  # each event ends so
                prefix = b""
            elif self._source.is_ended():
                why = "ended"
            elif self._stopping.is_set():
                why = "stopped"
            elif time.monotonic() >= over:
                why = "renewed"
            elif not await self._something():
                await self._body(send, comment("heartbeat"))
        await self._body(send, b"", more=False)
        if self._connection is not None:
            await self._connection.flushed(seconds=_FLUSH_SECONDS)
        return why

    async def _something(self) -> bool:
        """Wait for something to send; False if it takes as long as a heartbeat."""
        self._source.wake.clear()
        # Spread, so that streams opened together are not all written to together.
        seconds = self._heartbeat_seconds * random.uniform(1 - _JITTER, 1)  # noqa: S311
        if self._lease is not None:
            seconds = min(seconds, max(0.0, min(self._lease.warn_at, self._lease.ends_at) - time.monotonic()))
        try:
            async with asyncio.timeout(seconds):
                await self._source.wake.wait()
        except TimeoutError:
            return False
        return True

    async def _body(self, send: Send, data: bytes, *, more: bool = True) -> None:
        await self._send(send, {"type": "http.response.body", "body": data, "more_body": more})

    async def _send(self, send: Send, message: dict[str, object]) -> None:
        async with asyncio.timeout(self._send_seconds):
            await send(message)
