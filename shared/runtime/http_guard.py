"""Keeps clients from holding a server's connections: slow headers, unread bodies, too many connections, bad HTTP.

uvicorn bounds only idle connections that have had an answer. Here every connection that is not being answered is under
a limit, looked at once a second; what is being answered is the application's to end. When there are too many
connections, the one that has waited longest for its client gives way to a new one; if all are being answered, a new
one is told apart in its requests' state, so that the application can answer health and nothing else.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

CROWDED: Final = "crowded"
"""The key in a request's state: it came when all connections were in use."""
HEADERS_LIMIT_BYTES: Final = 32_768
_RESERVE: Final = 64
"""Connections beyond the limit that are still accepted, for health."""
_CHANCE_SECONDS: Final = 1.0
"""How long a connection may wait for its client before it gives way: in a burst, each has its first request sent."""
_LOOK_SECONDS: Final = 1.0
_LINGER_SECONDS: Final = 5.0
"""How long the rest of a body is read whose answer has been sent: a client that is cut off while it sends may not get
the answer."""
_LINGER_BYTES: Final = 25_000_000
_IDLE_MARGIN_SECONDS: Final = 5.0


@dataclass
class ConnectionGuard:
    """The limits of one server's connections.

    Attributes:
        connections: how many at a time.
        header_seconds: how long the headers of a request may take, and the first byte of a connection.
        stall_seconds: how long a client may take nothing of its answer.
        bad_request: the body of the answer to what is not HTTP.
        bad_request_type: its media type.
        waiting: the connections that wait for their client, the longest first.
    """

    connections: int
    header_seconds: float
    stall_seconds: float
    bad_request: bytes
    bad_request_type: str
    waiting: dict[GuardedProtocol, None] = field(default_factory=dict)
    _present: set[GuardedProtocol] = field(default_factory=set)
    _next_look: asyncio.TimerHandle | None = None

    def protocol(self, kind: type[GuardedProtocol]) -> type[GuardedProtocol]:
        """The class of the server's connections, for uvicorn's `http`: `kind`, under these limits."""
        guard = self

        class Guarded(kind):  # type: ignore[valid-type,misc] # known only here
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                self.guard = guard

        return Guarded

    def came(self, connection: GuardedProtocol) -> bool:
        """Take note of a new connection; False if there is no room for it."""
        if len(self._present) >= self.connections and not self._makes_room():
            connection.app_state = {**connection.app_state, CROWDED: True}
            if len(self._present) >= self.connections + _RESERVE:
                return False
        self._present.add(connection)
        self.waiting[connection] = None
        if self._next_look is None:
            self._next_look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
        return True

    def _makes_room(self) -> bool:
        """Close the connection that has waited longest, if it has had its chance; when it is very full, anyhow."""
        is_full = len(self._present) >= self.connections + _RESERVE
        for oldest in self.waiting:
            if not is_full and time.monotonic() - oldest.waits_since < _CHANCE_SECONDS:
                return False
            self.left(oldest)
            oldest.abort()
            return not is_full
        return False

    def left(self, connection: GuardedProtocol) -> None:
        """Take note that a connection has ended."""
        self._present.discard(connection)
        self.waiting.pop(connection, None)

    def _look(self) -> None:
        now = time.monotonic()
        for connection in list(self._present):
            connection.check(now)
        self._next_look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look) if self._present else None


class GuardedProtocol(H11Protocol):
    """A connection whose client cannot hold it for ever."""

    guard: ConnectionGuard

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the base class
        """Accept a connection, if there is room."""
        self.waits_since = time.monotonic()
        self._head_since: float | None = self.waits_since
        self._taken_at = self.waits_since
        self._unsent_bytes = 0
        self._lingering_since: float | None = None
        self._lingering_bytes = 0
        self._is_refused = False
        has_room = self.guard.came(self)
        super().connection_made(transport)
        if not has_room:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free what the connection had."""
        self.guard.left(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        self.waits_since = time.monotonic()
        if self._lingering_since is not None:
            self._lingering_bytes += len(data)
            if self._lingering_bytes > _LINGER_BYTES:
                self.abort()
                return
            if self._is_refused:
                return
        elif self._head_since is None and not self._is_answering():
            self._head_since = self.waits_since
        super().data_received(data)
        self._sort()

    def on_response_complete(self) -> None:
        """Go on to what the client has sent meanwhile."""
        self.waits_since = time.monotonic()
        if self.conn.their_state is h11.SEND_BODY:
            self._lingering_since, self._lingering_bytes = self.waits_since, 0
        super().on_response_complete()
        if self._lingering_since is None and not self._is_answering() and self.conn.trailing_data[0]:
            self._head_since = self.waits_since
        self._sort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the base class's signature
        """Answer what is not HTTP, and nothing after it; if an answer has begun, the connection can only be closed."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        headers = [
            ("content-type", self.guard.bad_request_type),
            ("content-length", str(len(self.guard.bad_request))),
            ("connection", "close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=self.guard.bad_request),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        if self._is_answering():  # its body was broken: the application has nobody to answer any more
            self.cycle.disconnected = self.cycle.response_complete = True
            self.cycle.message_event.set()
        self._is_refused, self._lingering_since, self._lingering_bytes = True, time.monotonic(), 0
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def check(self, now: float) -> None:
        """End the connection if its client has taken too long; called once a second."""
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes < self._unsent_bytes or not (self.flow.write_paused or self.transport.is_closing()):
            self._taken_at = now
        self._unsent_bytes = unsent_bytes
        if self._is_answering() or self.transport.is_closing():
            if now - self._taken_at > self.guard.stall_seconds:
                self.abort()
        elif self._lingering_since is not None:
            if now - self._lingering_since > _LINGER_SECONDS:
                self.abort()
        elif self._head_since is not None:
            if now - self._head_since > self.guard.header_seconds:
                self.abort()
        elif now - self.waits_since > self.timeout_keep_alive + _IDLE_MARGIN_SECONDS:
            self.abort()

    def abort(self) -> None:
        """End the connection at once, whatever is still to be sent."""
        self.transport.abort()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _sort(self) -> None:
        """Be among those that wait for their client, or not."""
        if self.conn.their_state is not h11.SEND_BODY and not self._is_refused:
            self._lingering_since = None
        if self._is_answering():
            self._head_since = None
            self.guard.waiting.pop(self, None)
        elif not self.transport.is_closing():
            self.guard.waiting.pop(self, None)
            self.guard.waiting[self] = None
