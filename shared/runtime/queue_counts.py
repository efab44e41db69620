"""How many messages are in the queues of a service, and how many processes take them. Asks the broker.

A passive declaration says both, works with any broker without its plugins, needs no permission, and takes nothing from
the queue.
"""

from __future__ import annotations

from dataclasses import dataclass

from aio_pika.abc import AbstractChannel

from shared.protocol.work_queue import WorkQueue


@dataclass(frozen=True)
class QueueCounts:
    """One work queue, with the queues that belong to it.

    Attributes:
        name: of the work queue.
        ready: messages that no process has taken yet.
        waiting: messages that wait to be tried again.
        dead: dead letters.
        consumers: processes that take messages from it.
    """

    name: str
    ready: int
    waiting: int
    dead: int
    consumers: int


async def count(channel: AbstractChannel, queue: WorkQueue) -> QueueCounts:
    """The counts of a work queue as they are now."""
    ready, consumers = await _look(channel, queue.name)
    waiting = sum([(await _look(channel, name))[0] for name in queue.waits])
    dead, _ = await _look(channel, queue.dead)
    return QueueCounts(queue.name, ready, waiting, dead, consumers)


async def _look(channel: AbstractChannel, name: str) -> tuple[int, int]:
    """Messages that are ready, and consumers."""
    found = (await channel.declare_queue(name, passive=True)).declaration_result
    return found.message_count or 0, found.consumer_count or 0
