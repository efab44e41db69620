"""What the broker must have: exchanges, queues and bindings as data, and the calls that declare or verify them.

The same data makes the definitions that a broker imports when it boots (`deploy/broker/definitions.py`), so that the
services of a deployed stack need no right to declare anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractQueue

from shared.protocol.work_queue import DEAD_EXCHANGE, EVENTS_EXCHANGE, EXCHANGE, OPERATORS_EXCHANGE, WorkQueue

_DELIVERY_LIMIT: Final = 20
"""The last resort for messages that kill their consumer before anyone can count it."""

_NEVER: Final = 1_000_000
"""`-1` means no limit on 4.0, but on 3.10 it drops every message at its first return."""

_EVENT_LOG_BYTES: Final = 4_000_000
"""About 2,000 changes of state, that is 400 jobs; a gateway that starts reads all of it."""
_EVENT_LOG_SEGMENT_BYTES: Final = 1_000_000
"""A stream is shortened by whole segments."""


@dataclass(frozen=True)
class DeclaredExchange:
    """A durable exchange."""

    name: str
    kind: str


@dataclass(frozen=True)
class DeclaredQueue:
    """A durable queue and its arguments."""

    name: str
    arguments: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Binding:
    """From an exchange to a queue."""

    exchange: str
    queue: str
    routing_key: str


def exchanges(queues: Sequence[WorkQueue]) -> list[DeclaredExchange]:
    """Every exchange."""
    return [
        DeclaredExchange(EXCHANGE, "topic"),
        DeclaredExchange(DEAD_EXCHANGE, "topic"),
        DeclaredExchange(EVENTS_EXCHANGE, "topic"),
        DeclaredExchange(OPERATORS_EXCHANGE, "direct"),
        *(DeclaredExchange(queue.direct_exchange, "direct") for queue in queues),
    ]


def declared_queues(queues: Sequence[WorkQueue]) -> list[DeclaredQueue]:
    """Every queue but the event log: dead-letter queues first, since the others refer to them."""
    return [
        *(DeclaredQueue(queue.dead, _dead_arguments(queue)) for queue in queues),
        *(DeclaredQueue(queue.name, _work_arguments(queue)) for queue in queues),
        *(
            DeclaredQueue(queue.wait(seconds), _wait_arguments(queue, seconds))
            for queue in queues
            for seconds in queue.wait_seconds
        ),
    ]


def bindings(queues: Sequence[WorkQueue]) -> list[Binding]:
    """Every binding but that of the event log."""
    return [
        *(Binding(DEAD_EXCHANGE, queue.dead, queue.name) for queue in queues),
        *(Binding(DEAD_EXCHANGE, queue.name, other) for queue in queues for other in queue.hears_deaths_of),
        *(Binding(queue.direct_exchange, name, name) for queue in queues for name in (queue.name, *queue.waits)),
        *(Binding(EXCHANGE, queue.name, message.ROUTING_KEY) for queue in queues for message in queue.consumes),
    ]


def event_log(name: str) -> DeclaredQueue:
    """The stream of changes of state."""
    return DeclaredQueue(
        name,
        {
            "x-queue-type": "stream",
            "x-max-length-bytes": _EVENT_LOG_BYTES,
            "x-stream-max-segment-size-bytes": _EVENT_LOG_SEGMENT_BYTES,
        },
    )


async def declare(connection: AbstractConnection, queues: Sequence[WorkQueue]) -> None:
    """Declare everything but the event log; see `topology.declare`."""
    async with connection.channel(publisher_confirms=False) as channel:
        await asyncio.gather(
            *(channel.declare_exchange(each.name, each.kind, durable=True) for each in exchanges(queues))
        )
        await asyncio.gather(*(declare_queue(channel, each) for each in declared_queues(queues)))
        wanted = bindings(queues)
        # Messages come from `podcast`: by then, what becomes of them later has its place.
        await asyncio.gather(*(_bind(channel, each) for each in wanted if each.exchange != EXCHANGE))
        await asyncio.gather(*(_bind(channel, each) for each in wanted if each.exchange == EXCHANGE))


async def _bind(channel: AbstractChannel, binding: Binding) -> None:
    queue = await channel.get_queue(binding.queue, ensure=False)
    await queue.bind(binding.exchange, routing_key=binding.routing_key)


async def declare_queue(channel: AbstractChannel, queue: DeclaredQueue) -> AbstractQueue:
    """Declare one queue."""
    return await channel.declare_queue(queue.name, durable=True, arguments=queue.arguments)


async def verify(connection: AbstractConnection, queues: Sequence[WorkQueue]) -> None:
    """Look whether everything is there, which needs no right to declare; bindings cannot be looked up.

    Raises:
        ChannelNotFoundEntity: an exchange or a queue is missing; the broker's sentence names it.
    """
    async with connection.channel(publisher_confirms=False) as channel:
        for exchange in exchanges(queues):
            await channel.declare_exchange(exchange.name, exchange.kind, passive=True)
        for queue in declared_queues(queues):
            await channel.declare_queue(queue.name, passive=True)


def _dead_arguments(queue: WorkQueue) -> dict[str, Any]:
    # Looking at a dead letter returns it to its queue, and each return counts towards this limit.
    arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": _NEVER}
    if queue.length_limit is not None:
        arguments["x-max-length"] = queue.length_limit
    return arguments


def _work_arguments(queue: WorkQueue) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": _DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        "x-dead-letter-routing-key": queue.name,
        # At-least-once needs reject-publish; without it the broker silently falls back to at-most-once.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    if queue.length_limit is not None:
        # The oldest must make room: refused publishes would hold up the coordinator, which announces each job's end.
        # Only `reject-publish` goes with at-least-once. What the service itself dead-letters is confirmed all the same.
        arguments |= {
            "x-max-length": queue.length_limit,
            "x-overflow": "drop-head",
            "x-dead-letter-strategy": "at-most-once",
        }
    if queue.single_active:
        arguments["x-single-active-consumer"] = True
    return arguments


def _wait_arguments(queue: WorkQueue, seconds: float) -> dict[str, Any]:
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": round(seconds * 1_000),
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue.name,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
