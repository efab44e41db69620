"""All exchanges and queues, declared by one call that every service makes before it consumes.

podcast (topic)
  job.submitted      ─▶ chunker, coordinator
  preview.requested  ─▶ chunker
  job.chunked        ─▶ coordinator
  chunk.requested    ─▶ synthesizer
  chunk.synthesized  ─▶ coordinator
  episode.requested  ─▶ assembler
  episode.assembled  ─▶ coordinator
  chunk.lost         ─▶ coordinator
  job.cancel         ─▶ coordinator
  job.resume         ─▶ coordinator
  job.reconcile      ─▶ coordinator
  job.completed, job.failed, job.cancelled   ─▶ webhooks, and queues of other subscribing services, if any
  webhook.requested  ─▶ webhooks

<queue>.wait.<delay> (quorum, x-message-ttl) ─ when the time is up ─▶ <queue>

podcast.dead (topic), routing key = the work queue's name
  <queue>            ─▶ <queue>.dead        (for people: `podcast dlq`)
  chunker, synthesizer, assembler ─▶ coordinator   (a copy, so that the job can be failed)

podcast.dead.lock (exclusive) ─ held by the operator who reads dead letters (`shared/dead_letters/operator_lock.py`)

podcast.events (topic), routing key = <event>.<job_id> (started, progressed, …), transient: for watchers' own queues
  moved.*            ─▶ podcast.events.log  (a stream, declared and read by gateways: the latest changes of state)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractQueue

from shared.protocol.messages import (
    ChunkLost,
    ChunkRequested,
    ChunkSynthesized,
    EpisodeAssembled,
    EpisodeRequested,
    JobCancelled,
    JobCancelRequested,
    JobChunked,
    JobCompleted,
    JobFailed,
    JobRequest,
    JobResumeRequested,
    Message,
    PreviewRequested,
    ReconcileRequested,
    WebhookRequested,
)

EXCHANGE: Final = "podcast"
DEAD_EXCHANGE: Final = "podcast.dead"
EVENTS_EXCHANGE: Final = "podcast.events"

MOVED: Final = "moved"
"""An event that tells of a new state is also routed by `moved.<job_id>`."""
EVENT_LOG: Final = f"{EVENTS_EXCHANGE}.log"
"""A stream of the latest changes of state of all jobs (`docs/adr/0015-live-events.md`)."""
_EVENT_LOG_BYTES: Final = 4_000_000
"""About 2,000 changes of state, that is 400 jobs; a gateway that starts reads all of it."""
_EVENT_LOG_SEGMENT_BYTES: Final = 1_000_000
"""A stream is shortened by whole segments."""
_HEARD_LIMIT: Final = 10_000
"""Events that a gateway which does not read may have waiting in the broker; older ones are dropped."""

OPERATOR_LOCK: Final = f"{DEAD_EXCHANGE}.lock"
"""An exclusive queue: only one connection at a time can have it, that of the operator reading dead letters."""

WAIT_SECONDS: Final = (1, 4, 15, 60, 300)
"""Delays of the wait queues. The n-th retry waits in the n-th queue, later ones in the last."""

WEBHOOK_WAIT_SECONDS: Final = (5, 60, 300, 1_800, 7_200)
"""The same for webhooks: a receiver may be down for hours. `webhook_attempts_limit` says how often the last is used."""

_DELIVERY_LIMIT: Final = 20
"""The last resort for messages that kill their consumer before anyone can count it."""

_NEVER: Final = 1_000_000
"""`-1` means no limit on 4.0, but on 3.10 it drops every message at its first return."""


@dataclass(frozen=True)
class WorkQueue:
    """A service's queue.

    Attributes:
        name: of the queue, and of the service that consumes it.
        consumes: the messages routed to it from `podcast`, each by its `ROUTING_KEY`.
        hears_deaths_of: work queues whose dead letters are copied to it.
        single_active: one consumer at a time, the others stand by.
        announces: what a stage reports to the coordinator; an additional stage announces its `PieceFinished`.
        wait_seconds: delays of its wait queues, the longest last.
        advances_jobs: jobs wait for what its messages ask for: a job's watchers hear of a retry, and a replay of a dead
            letter reopens the job.
        length_limit: the most messages in it, and in its dead-letter queue; None: no limit. The oldest go first: from
            the queue to the dead letters, from there for good. For a queue that nobody may be consuming.
    """

    name: str
    consumes: tuple[type[Message], ...]
    hears_deaths_of: tuple[str, ...] = ()
    single_active: bool = False
    announces: tuple[type[Message], ...] = ()
    wait_seconds: tuple[float, ...] = WAIT_SECONDS
    advances_jobs: bool = True
    length_limit: int | None = None

    @property
    def dead(self) -> str:
        """Its dead-letter queue."""
        return f"{self.name}.dead"

    def wait(self, seconds: float) -> str:
        """Its wait queue for a delay from `wait_seconds`."""
        return f"{self.name}.wait.{seconds:g}"

    @property
    def waits(self) -> tuple[str, ...]:
        """Its wait queues."""
        return tuple(self.wait(seconds) for seconds in self.wait_seconds)


CHUNKER: Final = WorkQueue("chunker", (JobRequest, PreviewRequested), announces=(JobChunked,))
SYNTHESIZER: Final = WorkQueue("synthesizer", (ChunkRequested,), announces=(ChunkSynthesized,))
ASSEMBLER: Final = WorkQueue("assembler", (EpisodeRequested,), announces=(ChunkLost, EpisodeAssembled))

STAGES: Final = (CHUNKER, SYNTHESIZER, ASSEMBLER)
"""The services that do the work. A new stage is an entry here and a line in `services/coordinator/plan.py`."""


def coordinator_of(stages: Sequence[WorkQueue]) -> WorkQueue:
    """The coordinator's queue: it receives what each stage announces, and copies of its dead letters."""
    announced = (message for stage in stages for message in stage.announces)
    return WorkQueue(
        "coordinator",
        (JobRequest, *announced, JobCancelRequested, JobResumeRequested, ReconcileRequested),
        hears_deaths_of=tuple(stage.name for stage in stages),
        single_active=True,
    )


COORDINATOR: Final = coordinator_of(STAGES)

WEBHOOKS: Final = WorkQueue(
    "webhooks",
    (JobCompleted, JobFailed, JobCancelled, WebhookRequested),
    wait_seconds=WEBHOOK_WAIT_SECONDS,
    advances_jobs=False,
    length_limit=100_000,
)
"""No stage: the coordinator hears nothing of it, so whatever happens to a webhook, its job is not touched."""

WORK_QUEUES: Final = (CHUNKER, COORDINATOR, *STAGES[1:], WEBHOOKS)


async def declare(connection: AbstractConnection, queues: Sequence[WorkQueue] = WORK_QUEUES) -> None:
    """Declare everything; harmless if it exists already.

    Uses a separate channel, since subscribers declare nothing (a queue declared twice with different arguments would
    stop every consumer of the process at its next reconnect).
    """
    async with connection.channel(publisher_confirms=False) as channel:
        exchange = await channel.declare_exchange(EXCHANGE, "topic", durable=True)
        dead = await channel.declare_exchange(DEAD_EXCHANGE, "topic", durable=True)
        await channel.declare_exchange(EVENTS_EXCHANGE, "topic", durable=True)
        await asyncio.gather(*(_declare_dead(channel, queue, dead) for queue in queues))
        await asyncio.gather(*(_declare_work(channel, queue, exchange, dead) for queue in queues))


async def declare_event_log(channel: AbstractChannel) -> AbstractQueue:
    """The log of changes of state, for those that read it; it begins when somebody declares it first."""
    await channel.declare_exchange(EVENTS_EXCHANGE, "topic", durable=True)
    found = await channel.declare_queue(
        EVENT_LOG,
        durable=True,
        arguments={
            "x-queue-type": "stream",
            "x-max-length-bytes": _EVENT_LOG_BYTES,
            "x-stream-max-segment-size-bytes": _EVENT_LOG_SEGMENT_BYTES,
        },
    )
    await found.bind(EVENTS_EXCHANGE, routing_key=f"{MOVED}.*")
    return found


async def declare_listener(channel: AbstractChannel) -> AbstractQueue:
    """A queue of the caller's own that gets all events from now on; it is deleted with the connection."""
    found = await channel.declare_queue(
        exclusive=True, auto_delete=True, arguments={"x-max-length": _HEARD_LIMIT, "x-overflow": "drop-head"}
    )
    await found.bind(EVENTS_EXCHANGE, routing_key="*.*")
    return found


async def _declare_dead(channel: AbstractChannel, queue: WorkQueue, dead: aio_pika.abc.AbstractExchange) -> None:
    # Looking at a dead letter returns it to its queue, and each return counts towards this limit.
    arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": _NEVER}
    if queue.length_limit is not None:
        arguments["x-max-length"] = queue.length_limit
    letters = await channel.declare_queue(queue.dead, durable=True, arguments=arguments)
    await letters.bind(dead, routing_key=queue.name)


async def _declare_work(
    channel: AbstractChannel,
    queue: WorkQueue,
    exchange: aio_pika.abc.AbstractExchange,
    dead: aio_pika.abc.AbstractExchange,
) -> None:
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
    work = await channel.declare_queue(queue.name, durable=True, arguments=arguments)
    for message in queue.consumes:
        await work.bind(exchange, routing_key=message.ROUTING_KEY)
    for other in queue.hears_deaths_of:
        await work.bind(dead, routing_key=other)
    for seconds in queue.wait_seconds:
        await channel.declare_queue(
            queue.wait(seconds),
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-message-ttl": round(seconds * 1_000),
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": queue.name,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            },
        )
