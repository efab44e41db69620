"""What every service does: connect, declare, consume one queue, publish, stop without losing anything.

A service's `app.py` names its queue and its handlers; this module does the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aio_pika
import structlog
from aio_pika import IncomingMessage
from faststream import AckPolicy, ContextRepo
from faststream.message import StreamMessage
from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from faststream.rabbit.utils import RabbitClientProperties
from faststream.security import BaseSecurity
from pydantic import ValidationError

from shared.errors import BrokerDown, Misconfigured, StoreDown
from shared.protocol import envelope, reading, topology
from shared.protocol.messages import Message
from shared.protocol.topology import WorkQueue
from shared.runtime import health, heap, logs, metrics, timeout_budget, trace_export, unlocked_log, watchdog
from shared.runtime.broker import HEARTBEAT_SECONDS, calling, connected, prepare, ssl_context
from shared.runtime.broker_addresses import FailoverConnection, shuffled
from shared.runtime.delivery import Delivery, Ignored
from shared.runtime.pausing import Pausing
from shared.runtime.publishing import CONNECTION_ERRORS, Publisher
from shared.runtime.publishing_channel import PublishingChannel
from shared.runtime.quarantine import Quarantine
from shared.runtime.readiness import Readiness
from shared.runtime.slots import HandlingSlots
from shared.runtime.subscription import Subscription
from shared.settings import Settings, load
from shared.store import queue_states
from shared.store.port import Store, open_store

log = structlog.get_logger(__name__)

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[None]])

_RECONNECT_SECONDS = 1
_START_PAUSE_SECONDS = 0.5
_DECLARE_SECONDS = 60.0
_STOP_SECONDS = 5.0
"""For closing the connection after the grace period; after that the process ends anyway."""


class Service:
    """One process of a service.

    Attributes:
        settings: the settings it was started with.
        store: the object store.
        publish: publishes a message; confirmed when it returns.

    Args:
        settings: of the process.
        queue: its work queue.
        slots: messages that are handled at a time.
        deadline_seconds: for handling one.
        attempts_limit: failures after which it is a dead letter; None: as the settings say.
        spare: messages that it holds beyond that, for when a handler frees its slot before it is done
            (`shared/runtime/slots.py`); no more than slots, or they could wait longer than `timeout_budget` counts.
    """

    def __init__(
        self,
        settings: Settings,
        queue: WorkQueue,
        *,
        slots: int,
        deadline_seconds: float,
        attempts_limit: int | None = None,
        spare: int = 0,
    ) -> None:
        self.settings = settings
        self.queue = queue
        self.store: Store = open_store(settings)
        self._publishing = PublishingChannel()
        self.publish = Publisher(self._publishing.send, deadline_seconds=settings.publish_deadline_seconds)
        self.readiness = Readiness(self.store, broker=self._broker_trouble)
        self.preparing: list[Callable[[], Awaitable[None]]] = []
        """Called while it waits for the servers; it consumes only when they have returned."""
        self.background: list[Callable[[], Awaitable[None]]] = []
        self.on_disconnect: list[Callable[[], None]] = []
        """Called when the connection or the consumer's channel is lost: from then on, another process may have the
        messages that were in flight."""
        self._subscription = Subscription(
            queue,
            service=queue.name,
            slots=HandlingSlots(slots),
            deadline_seconds=deadline_seconds,
            attempts_limit=attempts_limit or settings.attempts_limit,
            publisher=self.publish,
            quarantine=Quarantine(self.store, service=queue.name, crash_limit=settings.crash_limit),
            pause_limit_seconds=settings.retry_after_limit_seconds,
        )
        self._watchdog = watchdog.Watchdog(
            limit_seconds=settings.watchdog_seconds, in_flight=self._subscription.in_hand
        )
        self._stop = asyncio.Event()
        self._pausing = Pausing(
            self.store,
            queue.name,
            stop=self._pause,
            start=self._consume,
            call_seconds=settings.publish_deadline_seconds,
        )
        if queue in queue_states.PAUSABLE:
            self.background.append(self._pausing.keep)
        self._connection: aio_pika.abc.AbstractRobustConnection | None = None
        nodes = shuffled(settings.amqp_url)
        context = ssl_context(nodes[0], settings)
        self.broker = RabbitBroker(
            nodes[0],
            fail_fast=False,
            reconnect_interval=_RECONNECT_SECONDS,
            timeout=settings.connect_timeout_seconds,
            security=BaseSecurity(context, use_ssl=True) if context is not None else None,
            client_properties=RabbitClientProperties(heartbeat=HEARTBEAT_SECONDS),
            middlewares=[self._delivery],
            graceful_timeout=None,
            app_id=reading.APP_ID,
            logger=None,
        )
        # There is no public way to name the class; FastStream hands these to `aio_pika.connect_robust`.
        self.broker._connection_kwargs["connection_class"] = functools.partial(FailoverConnection, nodes=nodes)  # noqa: SLF001
        self._subscriber = self.broker.subscriber(
            RabbitQueue(queue.name, declare=False),
            channel=Channel(prefetch_count=slots + spare),
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            title=queue.name,
            description="Bound to exchange `podcast` with routing keys "
            + ", ".join(f"`{message.ROUTING_KEY}`" for message in queue.consumes)
            + ".",
        )

    def _delivery(self, message: Any, /, *, context: ContextRepo) -> Delivery:
        return Delivery(message, context=context, subscription=self._subscription)

    def on(self, message: type[Message], *, ignore_malformed: bool = False) -> Callable[[Handler], Handler]:
        """Register the handler of one message type.

        Args:
            message: the type.
            ignore_malformed: drop what is not a valid message of this type, since another service handles that.
        """
        routing_key: str = message.ROUTING_KEY

        # Filters are coroutines because FastStream would run plain functions in a thread, one by one for each message.
        async def is_it(delivered: StreamMessage[IncomingMessage]) -> bool:
            raw = delivered.raw_message
            return envelope.kind(raw) == routing_key and not envelope.is_dead_letter(raw)

        async def decode(delivered: StreamMessage[IncomingMessage]) -> Message:
            try:
                return reading.read(message, delivered.body, strict=reading.is_from_outside(delivered.raw_message))
            except ValidationError as error:
                if ignore_malformed:
                    raise Ignored(str(error)) from error
                raise

        def register(handler: Handler) -> Handler:
            self._subscriber(handler, filter=is_it, decoder=decode)
            return handler

        return register

    def on_dead_letter(self, handler: Callable[[IncomingMessage], Awaitable[None]]) -> None:
        """Register the handler of copies of other queues' dead letters."""

        async def is_it(delivered: StreamMessage[IncomingMessage]) -> bool:
            return envelope.is_dead_letter(delivered.raw_message)

        async def decode(delivered: StreamMessage[IncomingMessage]) -> IncomingMessage:
            return delivered.raw_message

        async def dead_letter(message: Any) -> None:
            await handler(message)

        self._subscriber(dead_letter, filter=is_it, decoder=decode)

    def publishes(self, *messages: type[Message]) -> None:
        """Declare which messages the handlers publish, for the AsyncAPI document."""
        for message in messages:
            self.broker.publisher(
                exchange=RabbitExchange(topology.EXCHANGE, type=ExchangeType.TOPIC, declare=False),
                routing_key=message.ROUTING_KEY,
                persist=True,
                title=f"{self.queue.name}-publishes-{message.ROUTING_KEY}",
                description=message.__doc__,
                schema=message,
            )

    async def backlog(self, queue: WorkQueue) -> int:
        """How many messages are ready in a work queue and its wait queues."""
        async with (
            calling(self.settings.publish_deadline_seconds, f"counting the messages of {queue.name}"),
            connected(self.settings) as connection,
            connection.channel() as channel,
        ):
            names = [queue.name, *queue.waits]
            queues = [await channel.declare_queue(name, passive=True) for name in names]
            return sum(found.declaration_result.message_count or 0 for found in queues)

    async def run(self) -> None:
        """Consume until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGUSR1, self._watchdog.dump)
        self._watchdog.start()
        metrics.show(self.readiness)
        metrics.begin(self.queue.name)
        if self.settings.health_port:
            health.serve(
                self._watchdog,
                host=self.settings.health_host,
                port=self.settings.health_port,
                unready=self.readiness.reasons,
                service=self.queue.name,
            )
        try:
            await self._consume_until_stopped()
        finally:
            self._watchdog.stop()
        log.info("stopped")

    async def _consume_until_stopped(self) -> None:
        started = asyncio.create_task(self._start())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait({started, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            return
        started.result()
        work = [self.readiness.keep_looking, *self.background]
        tasks = [asyncio.create_task(self._guard(each)) for each in work]
        await stopped
        for task in tasks:
            task.cancel()
        await self._drain()

    @property
    def ready(self) -> bool:
        """Whether it can work now: it is consuming, and the store is up."""
        return not self.readiness.reasons()

    @property
    def _consumer(self) -> tuple[Any, str | None]:
        """The queue and the tag of the consumer; None before it is set up."""
        return self._subscriber._queue_obj, self._subscriber._consumer_tag  # noqa: SLF001 - there is no public way

    def _broker_trouble(self) -> str:
        if self._connection is None or not self._connection.connected.is_set():
            return "The connection to the broker is lost."
        if self._pausing.is_paused:
            return ""
        queue, tag = self._consumer
        if queue is None or queue.channel.is_closed:
            return "The consumer's channel is closed."
        underlay = getattr(queue.channel, "_channel", None)  # the public way is a coroutine that waits for the channel
        if underlay is None or tag not in underlay.channel.consumers:
            return f"The broker does not deliver from {self.queue.name}."
        return ""

    def stop(self) -> None:
        """Stop as SIGTERM does; `run` returns when it is done."""
        self._stop.set()

    async def _start(self) -> None:
        """Wait for the servers, declare, prepare, and start consuming."""
        await asyncio.gather(self._servers_up(), *(prepare() for prepare in self.preparing))
        connection = self._connection = await self.broker.connect()
        # A separate channel for publishing: FastStream's publisher would cost half as much again per message.
        self._publishing.use(connection)
        connection.close_callbacks.add(self._lost)
        if self.queue in queue_states.PAUSABLE:
            await self._until_up(self._pausing.begin)
        if not self._pausing.is_paused:
            await self._consume()
        self.readiness.is_started = True
        log.info("ready", store=self.store.url)

    async def _consume(self) -> None:
        queue, _ = self._consumer
        if queue is None:
            await self.broker.start()
            queue, _ = self._consumer
            if queue is not None:
                queue.channel.close_callbacks.add(self._lost)
            return
        await self._stop_consuming()  # it may consume, if the call that stopped it failed
        self._subscriber._consumer_tag = await queue.consume(self._subscriber.consume)  # noqa: SLF001 - as above
        if not self._subscriber.running:  # the first start broke off after the queue was declared
            queue.channel.close_callbacks.add(self._lost)
            self._subscriber._post_start()  # noqa: SLF001 - as above

    async def _stop_consuming(self) -> None:
        queue, tag = self._consumer
        if queue is not None and tag is not None:
            await queue.cancel(tag, timeout=_STOP_SECONDS)
            self._subscriber._consumer_tag = None  # noqa: SLF001 - as above

    async def _pause(self) -> None:
        await self._stop_consuming()
        self._subscription.slots.dismiss()

    def _lost(self, *_: object) -> None:
        for forget in self.on_disconnect:
            forget()
        self._subscription.lost()

    async def _until_up(self, call: Callable[[], Awaitable[None]]) -> None:
        last = ""
        while True:
            try:
                await call()
            except (BrokerDown, StoreDown) as error:
                if str(error) != last:
                    log.warning("waiting", reason=str(error))
                last = str(error)
                await asyncio.sleep(_START_PAUSE_SECONDS)
            else:
                return

    async def _servers_up(self) -> None:
        await self._until_up(self._declare)
        await self._until_up(self.store.ping)

    async def _declare(self) -> None:
        async with calling(_DECLARE_SECONDS, "declaring the queues"), connected(self.settings) as connection:
            await prepare(connection, self.settings)

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run background work; if it fails, the process ends, and a supervisor restarts it."""
        try:
            await work()
        except Exception:
            log.exception("background work failed")
            self._stop.set()

    async def _drain(self) -> None:
        """Stop consuming, let messages finish within the grace period, hand back the rest."""
        self.readiness.is_stopping = True
        self._subscription.stopping = True
        # Cancel the consumer first: FastStream would wait for the handlers before doing so, and messages prefetched
        # meanwhile would come back with a higher delivery count.
        with contextlib.suppress(TimeoutError, *CONNECTION_ERRORS):
            await self._stop_consuming()
        self._subscription.slots.dismiss()
        if self._subscription.in_flight:
            log.info("finishing", in_flight=self._subscription.in_hand())
            await asyncio.wait(set(self._subscription.in_flight), timeout=self.settings.grace_seconds)
        handed_back = set(self._subscription.in_flight)
        for task in handed_back:
            task.cancel()
        if handed_back:
            await asyncio.wait(handed_back, timeout=_STOP_SECONDS)
        await self._subscription.quarantine.settle(seconds=_STOP_SECONDS)
        with contextlib.suppress(TimeoutError, *CONNECTION_ERRORS):
            async with asyncio.timeout(_STOP_SECONDS):
                await self.broker.stop()


def main(service: str, build: Callable[[Settings], Service]) -> None:
    """Run a service until it is stopped, and end the process without waiting for any thread."""
    try:
        settings = load()
        timeout_budget.check(settings)
    except Misconfigured as error:
        unlocked_log.refuse(service, error)
        sys.exit(1)
    logs.configure(service, level=settings.log_level, as_json=settings.log_json)
    try:
        trace_export.start(service, settings)
    except Misconfigured as error:
        unlocked_log.refuse(service, error)
        sys.exit(1)
    heap.configure()

    async def run() -> None:
        code = 0
        try:
            await build(settings).run()
        except Misconfigured as error:
            log.error("the service cannot start", reason=str(error))  # noqa: TRY400 - the sentence says it all
            code = 2
        except Exception:
            log.exception("the service ends")
            code = 1
        await trace_export.finish()
        sys.stdout.flush()
        sys.stderr.flush()
        # Immediately: leaving the loop would join threads, and a stuck one must not keep the process alive.
        os._exit(code)

    asyncio.run(run())
