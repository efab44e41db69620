"""`GET /v1/queues`: how many messages wait for each service, and how many processes take them. Asks the broker.

A passive declaration says both, needs no permission and takes nothing from the queue. Gateways that are asked by many
browsers ask the broker once a second at most.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from aio_pika.abc import AbstractChannel
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.gateway.access import GuardedRoute, needs
from services.gateway.broker_link import BrokerLink
from services.gateway.problems import documented
from shared.protocol.topology import WORK_QUEUES
from shared.protocol.work_queue import WorkQueue
from shared.runtime.broker import calling
from shared.settings import Settings

router = APIRouter(prefix="/v1/queues", tags=["queues"], route_class=GuardedRoute)

_KEPT_SECONDS: Final = 1.0


class QueueCounts(BaseModel):
    """One work queue."""

    name: str = Field(description="of the queue, and of the service that takes its messages", examples=["synthesizer"])
    ready: int = Field(description="messages that no process has taken yet")
    waiting: int = Field(description="messages that wait to be tried again")
    dead: int = Field(description="dead letters")
    consumers: int = Field(description="processes that take messages from it")


class Queues(BaseModel):
    """All work queues."""

    queues: list[QueueCounts] = Field(description="by name")
    read_at: float = Field(description="when the broker was asked, seconds since the epoch")


class QueueCounter:
    """Asks the broker, once for all who ask within a second."""

    def __init__(self, link: BrokerLink, settings: Settings) -> None:
        self._link = link
        self._seconds = settings.publish_deadline_seconds
        self._asking = asyncio.Lock()
        self._latest: Queues | None = None
        self._asked_at = -_KEPT_SECONDS

    async def queues(self) -> Queues:
        """The queues as they were at most a second ago.

        Raises:
            BrokerDown: the broker does not answer.
        """
        async with self._asking:  # others wait for the answer that is under way
            if self._latest is None or time.monotonic() - self._asked_at >= _KEPT_SECONDS:
                async with calling(self._seconds, "reading the queues"), await self._link.channel() as channel:
                    found = [await _counts(channel, queue) for queue in WORK_QUEUES]
                self._latest, self._asked_at = Queues(queues=found, read_at=time.time()), time.monotonic()
            return self._latest


@router.get("", responses=documented())
@needs("read")
async def list_queues(request: Request) -> Queues:
    """How many messages wait for each service, and how many processes take them. Needs the scope `read`."""
    reader: QueueCounter = request.app.state.queue_counter
    return await reader.queues()


async def _counts(channel: AbstractChannel, queue: WorkQueue) -> QueueCounts:
    ready, consumers = await _look(channel, queue.name)
    waiting = sum([(await _look(channel, name))[0] for name in queue.waits])
    dead, _ = await _look(channel, queue.dead)
    return QueueCounts(name=queue.name, ready=ready, waiting=waiting, dead=dead, consumers=consumers)


async def _look(channel: AbstractChannel, name: str) -> tuple[int, int]:
    """Messages that are ready, and consumers."""
    found = (await channel.declare_queue(name, passive=True)).declaration_result
    return found.message_count or 0, found.consumer_count or 0
