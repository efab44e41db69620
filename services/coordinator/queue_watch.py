"""Reads how many messages wait in each queue, and how many consumers it has, for the metrics.

Over AMQP, so that it works with any broker and without its management or metrics plugin: a passive declaration says
both, needs no permission, and takes nothing from the queue. How long a message has waited cannot be seen before it is
delivered: services measure that (`podcast_message_wait_seconds`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog
from aio_pika.abc import AbstractChannel

from services.coordinator import metrics
from shared.errors import BrokerDown
from shared.protocol.topology import WorkQueue
from shared.runtime.broker import calling, connected
from shared.settings import Settings

log = structlog.get_logger(__name__)


async def keep_read(settings: Settings, queues: Sequence[WorkQueue]) -> None:
    """Read the queues every `reconcile_seconds`, as long as the process runs."""
    while True:
        try:
            async with connected(settings) as connection:
                while True:
                    async with calling(settings.publish_deadline_seconds, "reading the queues"):
                        await _read(await connection.channel(), queues)
                    await asyncio.sleep(settings.reconcile_seconds)
        except BrokerDown as error:
            log.warning("the queues were not read", reason=str(error))
        await asyncio.sleep(settings.reconcile_seconds)


async def _read(channel: AbstractChannel, queues: Sequence[WorkQueue]) -> None:
    async with channel:
        for queue in queues:
            ready, consumers = await _counts(channel, queue.name)
            waiting = sum([(await _counts(channel, name))[0] for name in queue.waits])
            dead, _ = await _counts(channel, queue.dead)
            metrics.QUEUE_CONSUMERS.labels(queue.name).set(consumers)
            for part, count in (("ready", ready), ("waiting", waiting), ("dead", dead)):
                metrics.QUEUE_MESSAGES.labels(queue.name, part).set(count)
    metrics.QUEUES_READ.set(time.time())


async def _counts(channel: AbstractChannel, name: str) -> tuple[int, int]:
    """Messages that are ready, and consumers."""
    found = (await channel.declare_queue(name, passive=True)).declaration_result
    return found.message_count or 0, found.consumer_count or 0
