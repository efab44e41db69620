"""Keeps clients from holding a server's connections: slow headers, unread bodies, too many connections, bad HTTP.

uvicorn bounds only idle connections that have had an answer. Here every connection that is not being answered is under
a limit, looked at once a second; what is being answered is the application's to end. When there are too many
connections, the one that has waited longest for its client gives way to a new one, or else a stranger's that takes
nothing of its answer. If there is neither, the new one is marked in the state of its requests, so that the application
can answer health and nothing else. The same holds for the connections of one address.

A connection is a stranger's until the application calls `knows`. Strangers are cut off much sooner when they take
nothing of their answers.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CROWDED: Final = "crowded"
"""The key in a request's state: it came when all connections were in use, or all of its address. The value says which.
"""
ALL: Final = "all"
ADDRESS: Final = "address"
HEADERS_LIMIT_BYTES: Final = 32_768
_RESERVE: Final = 64
"""Connections beyond the limit that are still accepted, for health."""
_ADDRESS_RESERVE: Final = 8
"""The same for the connections of one address."""
_V6_PREFIX_BITS: Final = 64
"""All addresses of such a network count as those of one host."""
_STUCK_SECONDS: Final = 3.0
"""A stranger that takes nothing for so long gives way when all connections are in use."""
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
        stranger_stall_seconds: the same for a client that the application does not know.
        per_address: how many connections one address may have at a time; None: any number.
        shared_addresses: networks whose addresses many clients share, such as proxies; `per_address` is not for them.
        bad_request: the body of the answer to what is not HTTP.
        bad_request_type: its media type.
        waiting: the connections that wait for their client, the longest first.
    """

    connections: int
    header_seconds: float
    stall_seconds: float
    stranger_stall_seconds: float
    bad_request: bytes
    bad_request_type: str
    per_address: int | None = None
    shared_addresses: tuple[Network, ...] = ()
    waiting: dict[GuardedProtocol, None] = field(default_factory=dict)
    _present: set[GuardedProtocol] = field(default_factory=set)
    _of_address: Counter[str] = field(default_factory=Counter)
    _next_look: asyncio.TimerHandle | None = None

    def protocol(self, kind: type[GuardedProtocol]) -> type[GuardedProtocol]:
        """The class of the server's connections, for uvicorn's `http`: `kind`, under these limits."""
        guard = self

        class Guarded(kind):  # type: ignore[valid-type,misc] # known only here
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                self.guard = guard

        return Guarded

    def came(self, connection: GuardedProtocol, host: str) -> bool:
        """Take note of a new connection from an address; False if there is no room for it."""
        connection.address = self._limited_address(host)
        if connection.address and self.per_address is not None:
            excess = self._of_address[connection.address] - self.per_address
            if excess >= _ADDRESS_RESERVE:
                return False
            if excess >= 0:
                connection.app_state = {**connection.app_state, CROWDED: ADDRESS}
        if len(self._present) >= self.connections and not self._makes_room():
            connection.app_state = {**connection.app_state, CROWDED: ALL}
            if len(self._present) >= self.connections + _RESERVE:
                return False
        self._present.add(connection)
        self._of_address[connection.address] += 1
        self.waiting[connection] = None
        if self._next_look is None:
            self._next_look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
        return True

    def _limited_address(self, host: str) -> str:
        """Under which name the connections of this address are counted; empty: they are not limited."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return ""  # no internet protocol
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        if any(address in network for network in self.shared_addresses):
            return ""
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((address, _V6_PREFIX_BITS), strict=False))
        return str(address)

    def _makes_room(self) -> bool:
        """Close the connection that has waited longest, if it has had its chance; when it is very full, anyhow.

        If none waits, a stranger's that is stuck.
        """
        is_full = len(self._present) >= self.connections + _RESERVE
        now = time.monotonic()
        for oldest in self.waiting:
            if not is_full and now - oldest.waits_since < _CHANCE_SECONDS:
                break
            self.left(oldest)
            oldest.abort()
            return not is_full
        for connection in self._present:
            if connection.is_stuck_stranger(now):
                self.left(connection)
                connection.reset()
                return not is_full
        return False

    def left(self, connection: GuardedProtocol) -> None:
        """Take note that a connection has ended."""
        if connection in self._present:
            self._present.discard(connection)
            self._of_address[connection.address] -= 1
            if not self._of_address[connection.address]:
                del self._of_address[connection.address]
        self.waiting.pop(connection, None)

    def _look(self) -> None:
        now = time.monotonic()
        for connection in list(self._present):
            connection.check(now)
        self._next_look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look) if self._present else None


class GuardedProtocol(H11Protocol):
    """A connection whose client cannot hold it for ever."""

    guard: ConnectionGuard
    _is_known = False
    address = ""
    """Under which its guard counts it."""

    def knows(self) -> None:
        """Its client is no stranger: a request of it had a valid key."""
        if self._is_known:
            return
        self._is_known = True
        found = self.transport.get_extra_info("socket")
        if found is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = math.ceil(self.guard.stall_seconds * 1_000)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the base class
        """Accept a connection, if there is room."""
        self.waits_since = time.monotonic()
        self._head_since: float | None = self.waits_since
        self._taken_at = self.waits_since
        self._unsent_bytes = 0
        self._lingering_since: float | None = None
        self._lingering_bytes = 0
        self._is_refused = False
        peer = transport.get_extra_info("peername")
        has_room = self.guard.came(self, peer[0] if isinstance(peer, tuple) else "")
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
            if now - self._taken_at > self._stall_seconds():
                self.reset()
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

    def reset(self) -> None:
        """End it at once, and have the kernel drop what its client has not taken."""
        found = self.transport.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def is_stuck_stranger(self, now: float) -> bool:
        """Whether it takes nothing of its answer, and nobody knows whose it is."""
        return not self._is_known and self.flow.write_paused and now - self._taken_at > _STUCK_SECONDS

    def _stall_seconds(self) -> float:
        return self.guard.stall_seconds if self._is_known else self.guard.stranger_stall_seconds

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
