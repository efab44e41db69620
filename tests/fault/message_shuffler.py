"""Sits between the exchange and the work queues, and passes on every message twice and in another order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from types import TracebackType
from typing import Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, AbstractRobustConnection

from shared.protocol import envelope, topology
from shared.settings import Settings

HELD_SECONDS = 0.4
"""Messages that arrive within this time are shuffled."""
LATE_SECONDS = 2.0
"""The second copy arrives up to this much later."""


class MessageShuffler:
    """A context manager that shuffles messages; what is published directly to a queue (retries) bypasses it.

    Args:
        settings: where the broker is.
        seed: decides the order.
    """

    def __init__(self, settings: Settings, *, seed: int) -> None:
        self._settings = settings
        self._dice = random.Random(seed)  # noqa: S311 - not a secret
        self._tasks: set[asyncio.Task[None]] = set()
        self.handed_on = 0
        self.kinds: Counter[str] = Counter()
        """Routing key → how many messages of it have come twice."""
        self._connection: AbstractRobustConnection
        self._channel: AbstractChannel
        self._own: AbstractQueue

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect_robust(self._settings.amqp_url)
        self._channel = await self._connection.channel()
        # Not exclusive: it must survive the broker's death.
        self._own = await self._channel.declare_queue("message_shuffler", durable=True)
        await self._own.bind(topology.EXCHANGE, "#")
        for queue, routing_key in _bindings():
            await (await self._channel.get_queue(queue)).unbind(topology.EXCHANGE, routing_key)
        await self._own.consume(self._take)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for queue, routing_key in _bindings():
            await (await self._channel.get_queue(queue)).bind(topology.EXCHANGE, routing_key)
        await self._own.unbind(topology.EXCHANGE, "#")
        while (await self._channel.declare_queue("message_shuffler", passive=True)).declaration_result.message_count:  # noqa: ASYNC110 - the broker's count
            await asyncio.sleep(0.05)
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._own.delete(if_unused=False, if_empty=False)
        await self._connection.close()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        """Pass the message on later, and once more later still; only then ack it."""
        task = asyncio.create_task(self._hand_on(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hand_on(self, message: AbstractIncomingMessage) -> None:
        queues = [name for name, routing_key in _bindings() if routing_key == message.routing_key]
        for latest in (HELD_SECONDS, LATE_SECONDS):
            await asyncio.sleep(self._dice.uniform(0, latest))
            for name in self._dice.sample(queues, len(queues)):
                copy = envelope.copy(message, headers={})
                copy.expiration = None
                await self._channel.default_exchange.publish(copy, name)
        self.handed_on += 1
        self.kinds[message.routing_key or ""] += 1
        await message.ack()


def _bindings() -> list[tuple[str, str]]:
    return [(queue.name, message.ROUTING_KEY) for queue in topology.WORK_QUEUES for message in queue.consumes]
