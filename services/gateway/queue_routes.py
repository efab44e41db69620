"""`/v1/queues`: how many messages wait for each service, how many processes take them; pause and resume.

Gateways that are asked by many browsers ask the broker once a second at most. Whether a queue is paused is a record in
the store, which its consumers obey (`shared.runtime.pausing`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from services.gateway import audit
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.broker_link import BrokerLink
from services.gateway.problems import documented
from shared.protocol.messages import Line
from shared.protocol.topology import WORK_QUEUES
from shared.runtime.broker import calling
from shared.runtime.queue_counts import QueueCounts, count
from shared.settings import Settings
from shared.store import queue_states
from shared.store.port import Store
from shared.store.queue_states import PAUSABLE, QueueState

router = APIRouter(prefix="/v1/queues", tags=["queues"], route_class=GuardedRoute)

_KEPT_SECONDS: Final = 1.0
_NAMES: Final = "|".join(queue.name for queue in PAUSABLE)
TheQueue = Annotated[
    str, Path(pattern=rf"^({_NAMES})$", max_length=100, description="a queue that can be paused", examples=["chunker"])
]


class QueuePaused(BaseModel):
    """Whether a work queue is paused."""

    name: str = Field(description="of the queue, and of the service that takes its messages", examples=["synthesizer"])
    can_pause: bool = Field(description="whether it can be paused")
    paused_at: float | None = Field(
        description="since when nobody takes messages from it, in seconds since the epoch; null: it is not paused"
    )
    paused_reason: str = Field(description="why, in the words of who paused it")


class QueueShown(QueuePaused):
    """One work queue."""

    ready: int = Field(description="messages that no process has taken yet")
    waiting: int = Field(description="messages that wait to be tried again")
    dead: int = Field(description="dead letters")
    consumers: int = Field(description="processes that take messages from it")


class QueueList(BaseModel):
    """All work queues."""

    queues: list[QueueShown] = Field(description="by name")
    read_at: float = Field(description="when the broker was asked, seconds since the epoch")


class QueueChange(BaseModel):
    """What shall become of a queue."""

    model_config = ConfigDict(extra="forbid")

    paused: bool = Field(description="whether nobody shall take messages from it")
    reason: Line = Field("", description="why it is paused, for people", examples=["the engine costs too much today"])


class QueueCounter:
    """Asks the broker, and the store for what is paused, once for all who ask within a second."""

    def __init__(self, link: BrokerLink, store: Store, settings: Settings) -> None:
        self._link = link
        self._store = store
        self._seconds = settings.publish_deadline_seconds
        self._asking = asyncio.Lock()
        self._latest: QueueList | None = None
        self._asked_at = 0.0

    async def queues(self) -> QueueList:
        """The queues as they were at most a second ago.

        Raises:
            BrokerDown: the broker does not answer.
            StoreDown: the store does not answer.
        """
        async with self._asking:  # others wait for the answer that is under way
            if self._latest is None or time.monotonic() - self._asked_at >= _KEPT_SECONDS:
                async with calling(self._seconds, "reading the queues"), await self._link.channel() as channel:
                    counts = [await count(channel, queue) for queue in WORK_QUEUES]
                states = await queue_states.of_all(self._store)
                found = [_shown(one, states.get(one.name)) for one in counts]
                self._latest, self._asked_at = QueueList(queues=found, read_at=time.time()), time.monotonic()
            return self._latest

    def forget(self) -> None:
        """Ask again next time: something was changed."""
        self._latest = None


@router.get("", responses=documented())
@needs("read")
async def list_queues(request: Request) -> QueueList:
    """How many messages wait for each service, and how many processes take them. Needs the scope `read`."""
    return await _counter(request).queues()


@router.patch("/{queue}", responses=documented(413))
@needs("operate")
async def change_queue(queue: TheQueue, wanted: QueueChange, request: Request, backend: TheBackend) -> QueuePaused:
    """Pause a queue, or resume it. Needs the scope `operate`.

    Within seconds nobody takes messages from a paused queue; what was begun is finished. Nothing is lost, and no job
    fails for it. When it is resumed, the deadline of every job that has not ended begins anew.
    """
    async with audit.record(request, "queue.pause" if wanted.paused else "queue.resume", queue, reason=wanted.reason):
        if wanted.paused:
            state = await queue_states.pause(backend.store, queue, reason=wanted.reason)
        else:
            state = await queue_states.resume(backend.store, queue)
    _counter(request).forget()
    return _paused(queue, state)


def _paused(name: str, state: QueueState | None) -> QueuePaused:
    known = state or QueueState()
    return QueuePaused(name=name, can_pause=state is not None, paused_at=known.paused_at, paused_reason=known.reason)


def _shown(counts: QueueCounts, state: QueueState | None) -> QueueShown:
    numbers = {name: value for name, value in dataclasses.asdict(counts).items() if name != "name"}
    return QueueShown(**_paused(counts.name, state).model_dump(), **numbers)


def _counter(request: Request) -> QueueCounter:
    found: QueueCounter = request.app.state.queue_counter
    return found
