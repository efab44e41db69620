"""Publishing: persistent, confirmed, mandatory, under a deadline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import structlog
from aio_pika.exceptions import AMQPError, DeliveryError, PublishError
from aiormq.exceptions import ChannelAccessRefused

from shared.deadlines import deadline
from shared.errors import BrokerDown
from shared.protocol import envelope
from shared.protocol.messages import Frozen, JobEvent, Message, WorkRetried
from shared.protocol.topology import EVENTS_EXCHANGE, EXCHANGE, MOVED, WorkQueue
from shared.runtime import message_traces
from shared.runtime.metrics import measured

log = structlog.get_logger(__name__)

Send = Callable[[aio_pika.Message, str, str, bool], Awaitable[Any]]
"""(message, exchange, routing key, mandatory): returns when the broker has confirmed."""

CONNECTION_ERRORS = (AMQPError, ConnectionError, OSError, RuntimeError)
"""What aio-pika raises while the connection is lost; RuntimeError is raised on a closed channel."""


class Publisher:
    """Publishes messages; returns when the broker has taken responsibility for them."""

    def __init__(self, send: Send, *, deadline_seconds: float) -> None:
        self._send = send
        self._deadline_seconds = deadline_seconds

    async def __call__(self, message: Message) -> None:
        """Publish one of the messages of `shared.protocol.messages` to the queues that are bound to it.

        Raises:
            BrokerDown: the broker did not confirm it in time, or has no queue for it.
        """
        await self._new(message, EXCHANGE, message.ROUTING_KEY)

    async def durable_event(self, message: Message) -> None:
        """Publish a durable event to the queues that are bound to it, if any.

        Raises:
            BrokerDown: the broker did not confirm it in time.
        """
        await self._new(message, EXCHANGE, message.ROUTING_KEY, mandatory=False)

    async def to_queue(self, queue: WorkQueue, message: Message) -> None:
        """Publish a message directly to a single queue, bypassing the exchange.

        Raises:
            BrokerDown: the broker did not confirm it in time.
        """
        await self._new(message, queue.direct_exchange, queue.name)

    async def copy_to(self, queue: WorkQueue, message: aio_pika.Message, *, wait_seconds: float | None = None) -> None:
        """Publish a complete AMQP message directly to a queue.

        Args:
            queue: the work queue.
            message: mostly a copy of one that was there before.
            wait_seconds: the delay of its wait queue that takes it; None: the work queue itself.

        Raises:
            BrokerDown: the broker did not confirm it in time.
        """
        name = queue.name if wait_seconds is None else queue.wait(wait_seconds)
        await self.raw(message, queue.direct_exchange, name)

    async def _new(self, message: Message, exchange: str, routing_key: str, *, mandatory: bool = True) -> None:
        carrying = _carrying(message)
        with message_traces.publishing(carrying, exchange, routing_key):
            await self.raw(carrying, exchange, routing_key, mandatory=mandatory)

    async def raw(self, message: aio_pika.Message, exchange: str, routing_key: str, *, mandatory: bool = True) -> None:
        """Publish a complete AMQP message.

        Raises:
            BrokerDown: the broker did not confirm it in time, or it is mandatory and there is no queue for it.
        """
        try:
            with measured(exchange):
                async with deadline(self._deadline_seconds, f"publish {routing_key}", error=BrokerDown):
                    await self._send(message, exchange, routing_key, mandatory)
        except PublishError as error:
            raise BrokerDown(
                f"The broker has no queue for {routing_key}.",
                hint="Start the services once so that they declare their queues.",
            ) from error
        except DeliveryError as error:
            raise BrokerDown(
                f"The broker refuses {routing_key}: its queue is full, or no node that has it is running.",
                hint="Try again in a moment; `rabbitmq-queues quorum_status QUEUE` shows where a queue is.",
            ) from error
        except ChannelAccessRefused as error:
            raise BrokerDown(
                f"The broker does not let this user publish {routing_key} to {exchange or 'the default exchange'}.",
                hint="Check that PODCAST_AMQP_URL names the user made for this service or person.",
            ) from error
        except CONNECTION_ERRORS as error:
            raise BrokerDown(f"The broker did not take {routing_key}: {error or type(error).__name__}.") from error

    async def event(self, event: JobEvent) -> None:
        """Publish an event for watchers. Nothing depends on it, so a failure is only logged."""
        job_id = event.status.job_id
        await self._tell(event, event.name, job_id, also=f"{MOVED}.{job_id}" if event.is_change else "")

    async def retried(self, event: WorkRetried) -> None:
        """Notify watchers that some of a job's work is retried; best effort, like `event`."""
        await self._tell(event, event.EVENT, event.job_id)

    async def _tell(self, event: Frozen, name: str, job_id: str, *, also: str = "") -> None:
        message = envelope.outgoing(event, job_id=job_id, persistent=False)
        if also:
            # The broker routes by both keys, and removes the header: a queue that both lead to gets one copy.
            message.headers["BCC"] = [also]
        try:
            with measured(EVENTS_EXCHANGE):
                async with deadline(self._deadline_seconds, "publish event", error=BrokerDown):
                    await self._send(message, EVENTS_EXCHANGE, f"{name}.{job_id}", False)
        except (BrokerDown, *CONNECTION_ERRORS) as error:
            log.warning("event lost", event_name=name, job=job_id, reason=str(error))


def _carrying(message: Message) -> aio_pika.Message:
    """The AMQP message; a message that belongs to no job has no correlation id."""
    return envelope.outgoing(message, job_id=str(getattr(message, "job_id", None) or ""))
