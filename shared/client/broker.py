"""The command line as a client of the broker: publishes a job or a cancellation, receives a job's events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError
from pydantic import ValidationError

from shared.deadlines import deadline
from shared.errors import BrokerDown
from shared.protocol import topology
from shared.protocol.messages import JobEvent, JobStatus, Message, WorkRetried
from shared.protocol.reading import read
from shared.runtime.broker import connected, prepare
from shared.runtime.publishing import CONNECTION_ERRORS, Publisher
from shared.settings import Settings

log = structlog.get_logger(__name__)


class Client:
    """A connection to the broker."""

    def __init__(self, connection: AbstractConnection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._deadline_seconds = settings.publish_deadline_seconds

    async def publish(self, message: Message) -> None:
        """Publish a message; returns when the broker has confirmed it.

        Raises:
            BrokerDown: the broker did not confirm it in time.
        """
        try:
            await self._publish(message)
        except BrokerDown as error:
            if not isinstance(error.__cause__, DeliveryError | ChannelNotFoundEntity):
                raise
            # No service has ever run on this broker. Anyone may declare the queues; the job then waits in them.
            async with deadline(self._deadline_seconds, "declaring the queues", error=BrokerDown):
                await prepare(self._connection, self._settings)
            await self._publish(message)

    async def _publish(self, message: Message) -> None:
        try:
            async with (
                deadline(self._deadline_seconds, "opening a channel", error=BrokerDown),
                self._connection.channel(publisher_confirms=True, on_return_raises=True) as channel,
            ):
                await Publisher(_sender(channel), deadline_seconds=self._deadline_seconds)(message)
        except CONNECTION_ERRORS as error:
            raise BrokerDown(f"The broker has closed the connection: {error or type(error).__name__}.") from error

    @contextlib.asynccontextmanager
    async def events(
        self, job_id: str, *, retried: Callable[[WorkRetried], None] = lambda _: None
    ) -> AsyncIterator[asyncio.Queue[JobStatus]]:
        """The coordinator's events for a job from now on, in a queue for this client alone.

        Events are a convenience: if they are not available, the queue stays empty, and the store has the same status.

        Args:
            job_id: of the job.
            retried: called when a service announces that it will try again.
        """
        heard: asyncio.Queue[JobStatus] = asyncio.Queue()

        async def hear(message: AbstractIncomingMessage) -> None:
            try:
                if (message.routing_key or "").startswith(f"{WorkRetried.EVENT}."):
                    retried(read(WorkRetried, message.body, strict=False))
                else:
                    heard.put_nowait(read(JobEvent, message.body, strict=False).status)
            except ValidationError:
                log.debug("an event that cannot be read", routing_key=message.routing_key)

        try:
            async with deadline(self._deadline_seconds, "listening for events", error=BrokerDown):
                channel = await self._connection.channel(publisher_confirms=False)
                queue = await channel.declare_queue(exclusive=True, auto_delete=True)
                await queue.bind(topology.EVENTS_EXCHANGE, routing_key=f"*.{job_id}")
                await queue.consume(hear, no_ack=True)
        except (BrokerDown, *CONNECTION_ERRORS) as error:
            log.debug("no events", job=job_id, reason=str(error))
        yield heard  # the queue is deleted with the connection


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Client]:
    """Connect to the broker.

    Raises:
        BrokerDown: nobody answers, or the credentials are refused.
    """
    async with connected(settings) as connection:
        yield Client(connection, settings)


def _sender(channel: AbstractChannel) -> Any:
    async def send(message: aio_pika.Message, exchange: str, routing_key: str, mandatory: bool) -> None:
        target = await channel.get_exchange(exchange, ensure=False)
        await target.publish(message, routing_key, mandatory=mandatory)

    return send
