"""Reads how many messages wait in each queue, how many consumers it has and whether it is paused, for the metrics.

Over AMQP, so that it works without the broker's management or metrics plugin. How long a message has waited cannot be
seen before it is delivered: services measure that (`podcast_message_wait_seconds`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog
from aio_pika.abc import AbstractChannel

from services.coordinator import metrics
from shared.errors import BrokerDown, StoreDown
from shared.protocol.topology import WorkQueue
from shared.runtime.broker import calling, connected
from shared.runtime.queue_counts import count
from shared.settings import Settings
from shared.store import queue_states
from shared.store.port import Store

log = structlog.get_logger(__name__)


async def keep_read(settings: Settings, store: Store, queues: Sequence[WorkQueue]) -> None:
    """Read the queues every `reconcile_seconds`, as long as the process runs."""
    while True:
        try:
            async with connected(settings) as connection:
                while True:
                    async with calling(settings.publish_deadline_seconds, "reading the queues"):
                        await _read(await connection.channel(), queues)
                    for name, state in (await queue_states.of_all(store)).items():
                        metrics.QUEUE_PAUSED.labels(name).set(state.is_paused)
                    await asyncio.sleep(settings.reconcile_seconds)
        except (BrokerDown, StoreDown) as error:
            log.warning("the queues were not read", reason=str(error))
        await asyncio.sleep(settings.reconcile_seconds)


async def _read(channel: AbstractChannel, queues: Sequence[WorkQueue]) -> None:
    async with channel:
        for queue in queues:
            found = await count(channel, queue)
            metrics.QUEUE_CONSUMERS.labels(queue.name).set(found.consumers)
            for part, messages in (("ready", found.ready), ("waiting", found.waiting), ("dead", found.dead)):
                metrics.QUEUE_MESSAGES.labels(queue.name, part).set(messages)
    metrics.QUEUES_READ.set(time.time())
