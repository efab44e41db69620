"""Receives the events of all jobs, once for the whole process, and hands them to those who watch.

Consumes its own listener's queue (all events, transient) and the log of changes of state. Each has a channel of its own
and is opened again when it is lost; nothing else of the gateway waits for either.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from pydantic import ValidationError

from services.gateway import event_log
from services.gateway.event_feed import EventFeed
from services.gateway.event_log import Change
from services.gateway.event_watches import Watches
from shared.deadlines import deadline
from shared.errors import BrokerDown
from shared.protocol import topology
from shared.protocol.messages import JobEvent, WorkRetried
from shared.protocol.reading import read
from shared.runtime.broker import calling, connected, prepare_event_log
from shared.runtime.publishing import CONNECTION_ERRORS
from shared.settings import Settings
from shared.store.port import Store

log = structlog.get_logger(__name__)

_CALL_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 2.0
_BODY_LIMIT_BYTES: Final = 1_000_000
"""None of our events is larger; a stranger's would block the event loop while it is read."""
_LOG_PREFETCH: Final = 200
_LOG_QUIET_SECONDS: Final = 0.5
"""The log has been read to its end when nothing has come for this long."""
_LOG_SECONDS: Final = 3.0
"""How long a client waits for the log to be read; then it begins with a snapshot."""

Opened = Callable[[AbstractChannel], Awaitable[None]]


class Hub:
    """The events of this process.

    Args:
        store: where the statuses are.
        settings: of the process.

    Attributes:
        watches: of single jobs.
        feed: of all jobs.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._settings = settings
        self.watches = Watches(store, look_seconds=settings.gateway_look_seconds, is_hearing=lambda: self._is_hearing)
        self.feed = EventFeed(store, is_hearing=lambda: self._is_hearing)
        self._is_hearing = False
        self._tasks: list[asyncio.Task[None]] = []

    async def connected(self, connection: AbstractConnection) -> None:
        """Listen on this connection from now on; for `BrokerLink.on_connect`."""
        for task in self._tasks:
            task.cancel()
        self._tasks = [
            asyncio.create_task(self._keep(connection, self._listen, "listener"), name="listener"),
            asyncio.create_task(self._keep(connection, self._read_log, "log"), name="event log"),
        ]

    async def log_was_read(self) -> None:
        """Wait until the log has been read for the first time; not for long, and not where the broker is down."""
        if self._tasks:
            await _within(self.feed.began, _LOG_SECONDS)

    async def _keep(self, connection: AbstractConnection, listen: Opened, what: str) -> None:
        """Open a channel, and again when it is lost, for as long as the connection is open."""
        while not connection.is_closed:
            try:
                async with deadline(_CALL_SECONDS, "opening a channel", error=BrokerDown):
                    channel = await connection.channel(publisher_confirms=False)
                try:
                    await listen(channel)
                finally:
                    with contextlib.suppress(TimeoutError, *CONNECTION_ERRORS):
                        async with asyncio.timeout(_PAUSE_SECONDS):
                            await channel.close()
            except (BrokerDown, *CONNECTION_ERRORS) as error:
                log.warning("no events", what=what, reason=str(error) or type(error).__name__)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _listen(self, channel: AbstractChannel) -> None:
        lost = _loss_of(channel)
        async with deadline(_CALL_SECONDS, "listening for events", error=BrokerDown):
            queue = await topology.declare_listener(channel)
            await queue.consume(self._hear, no_ack=True)
        self._is_hearing = True
        self.watches.look_now()  # at what was not heard until now
        try:
            await lost.wait()
        finally:
            self._is_hearing = False
            self.watches.look_now()

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        name, _, job_id = (message.routing_key or "").partition(".")
        watch = self.watches.of(job_id)
        if (watch is None and not len(self.feed.wakes)) or len(message.body) > _BODY_LIMIT_BYTES:
            return
        try:
            if name == WorkRetried.EVENT:
                notice = read(WorkRetried, message.body, strict=False)
                self.feed.retried(notice)
                if watch is not None and notice.job_id == job_id:
                    watch.retried(notice)
                return
            event = read(JobEvent, message.body, strict=False)
        except ValidationError:
            log.debug("an event that cannot be read", routing_key=message.routing_key)
            return
        if watch is not None and event.status.job_id == job_id:
            watch.heard(event.status)
        if not event.is_change:  # a change comes with its id from the log
            self.feed.progressed(event.status)

    async def _read_log(self, _: AbstractChannel) -> None:
        """Read the log from its beginning, then what is added to it.

        Over a connection of its own. RabbitMQ lets it be read only at a node that has a replica of it; in a cluster the
        next try may be at another node. And if two processes declare it at the same moment for the first time, RabbitMQ
        3.10 may close the connection of one.
        """
        past: list[Change] | None = []
        came = asyncio.Event()

        async def take(message: AbstractIncomingMessage) -> None:
            body = message.body if len(message.body) <= _BODY_LIMIT_BYTES else b""
            change = Change(event_log.identity(message.headers.get("x-stream-offset"), body), body)
            if past is not None:
                past.append(change)
                came.set()
            else:
                self.feed.changed(change)
            await message.ack()

        async with connected(self._settings) as own:
            async with calling(_CALL_SECONDS, "declaring the log of events"):
                await prepare_event_log(own, self._settings)
            async with calling(_CALL_SECONDS, "reading the log of events"):
                channel = await own.channel(publisher_confirms=False)
                lost = _loss_of(channel)
                await channel.set_qos(prefetch_count=_LOG_PREFETCH)
                queue = await channel.get_queue(topology.EVENT_LOG, ensure=False)
                await queue.consume(take, arguments={"x-stream-offset": "first"})
            while await _within(came, _LOG_QUIET_SECONDS):
                came.clear()
            found, past = past or [], None
            self.feed.reread(found)
            await lost.wait()


def _loss_of(channel: AbstractChannel) -> asyncio.Event:
    lost = asyncio.Event()
    channel.close_callbacks.add(lambda *_: lost.set())
    return lost


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
