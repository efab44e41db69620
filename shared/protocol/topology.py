"""All exchanges and queues, declared by one call that every service makes before it consumes.

podcast (topic)
  job.submitted      ─▶ chunker, coordinator
  preview.requested  ─▶ chunker
  job.chunked        ─▶ coordinator
  chunk.requested    ─▶ synthesizer
  chunk.synthesized  ─▶ coordinator
  episode.requested  ─▶ assembler
  episode.part_requested ─▶ assembler
  episode.assembled  ─▶ coordinator
  chunk.lost         ─▶ coordinator
  job.cancel         ─▶ coordinator
  job.resume         ─▶ coordinator
  job.reconcile      ─▶ coordinator
  job.completed, job.failed, job.cancelled   ─▶ webhooks, and queues of other subscribing services, if any
  webhook.requested  ─▶ webhooks
  feed.poll          ─▶ feeds

<queue>.wait.<delay> (quorum, x-message-ttl) ─ when the time is up ─▶ <queue>

podcast.to.<queue> (direct), routing key = a queue's name
  <queue>, <queue>.wait.<delay>   (a service's retries, an operator's replays: no user may publish to every queue)

podcast.dead (topic), routing key = the work queue's name
  <queue>            ─▶ <queue>.dead        (for people: `podcast dlq`)
  chunker, synthesizer, assembler ─▶ coordinator   (a copy, so that the job can be failed)

podcast.dead.lock (exclusive) ─ held by the operator who reads dead letters (`shared/dead_letters/operator_lock.py`)
podcast.operators (direct)      ─ those who wait for the lock ask through it who holds it

podcast.events (topic), routing key = <event>.<job_id> (started, progressed, …), transient: for watchers' own queues
  moved.*            ─▶ podcast.events.log  (a stream, declared and read by gateways: the latest changes of state)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractQueue

from shared.protocol import declarations
from shared.protocol.messages import (
    ChunkLost,
    ChunkRequested,
    ChunkSynthesized,
    EpisodeAssembled,
    EpisodePartRequested,
    EpisodeRequested,
    FeedPollRequested,
    JobCancelled,
    JobCancelRequested,
    JobChunked,
    JobCompleted,
    JobFailed,
    JobRequest,
    JobResumeRequested,
    PreviewRequested,
    ReconcileRequested,
    WebhookRequested,
)
from shared.protocol.work_queue import (
    DEAD_EXCHANGE,
    EVENTS_EXCHANGE,
    EXCHANGE,
    OPERATORS_EXCHANGE,
    WAIT_SECONDS,
    WorkQueue,
)

__all__ = [
    "DEAD_EXCHANGE",
    "EVENTS_EXCHANGE",
    "EXCHANGE",
    "OPERATORS_EXCHANGE",
    "WAIT_SECONDS",
    "WorkQueue",
]

MOVED: Final = "moved"
"""An event that tells of a new state is also routed by `moved.<job_id>`."""
EVENT_LOG: Final = f"{EVENTS_EXCHANGE}.log"
"""A stream of the latest changes of state of all jobs (`docs/adr/0015-live-events.md`)."""
EVENT_LOG_KEY: Final = f"{MOVED}.*"
"""What is in it."""
_HEARD_LIMIT: Final = 10_000
"""Events that a gateway which does not read may have waiting in the broker; older ones are dropped."""

OPERATOR_LOCK: Final = f"{DEAD_EXCHANGE}.lock"
"""An exclusive queue: only one connection at a time can have it, that of the operator reading dead letters."""

WEBHOOK_WAIT_SECONDS: Final = (5, 60, 300, 1_800, 7_200)
"""The same for webhooks: a receiver may be down for hours. `webhook_attempts_limit` says how often the last is used."""

FEED_WAIT_SECONDS: Final = (2, 10, 60, 300)
"""The same for polls of feeds, which wait for a host that has enough calls, or for the store."""

CHUNKER: Final = WorkQueue("chunker", (JobRequest, PreviewRequested), announces=(JobChunked,))
SYNTHESIZER: Final = WorkQueue("synthesizer", (ChunkRequested,), announces=(ChunkSynthesized,))
ASSEMBLER: Final = WorkQueue(
    "assembler", (EpisodeRequested, EpisodePartRequested), announces=(ChunkLost, EpisodeAssembled)
)

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

FEEDS: Final = WorkQueue(
    "feeds", (FeedPollRequested,), wait_seconds=FEED_WAIT_SECONDS, advances_jobs=False, length_limit=10_000
)
"""No stage either. Bounded, since nobody may be consuming it; a poll that is lost is asked for again when it is due."""

WORK_QUEUES: Final = (CHUNKER, COORDINATOR, *STAGES[1:], WEBHOOKS, FEEDS)


async def declare(connection: AbstractConnection, queues: Sequence[WorkQueue] = WORK_QUEUES) -> None:
    """Declare everything; harmless if it exists already.

    Uses a separate channel, since subscribers declare nothing (a queue declared twice with different arguments would
    stop every consumer of the process at its next reconnect).
    """
    await declarations.declare(connection, queues)


async def verify(connection: AbstractConnection, queues: Sequence[WorkQueue] = WORK_QUEUES) -> None:
    """For a user that may declare nothing: look whether all exchanges and queues are there.

    Raises:
        ChannelNotFoundEntity: one is missing; the broker's sentence names it.
    """
    await declarations.verify(connection, queues)


async def declare_event_log(connection: AbstractConnection, *, alone: bool = False) -> None:
    """Declare the log of changes of state, for those that read it; it begins when somebody declares it first.

    Args:
        connection: to the broker.
        alone: without the exchange that it is bound to, for a user that may declare only the log.

    Raises:
        ChannelNotFoundEntity: alone, and the exchange is not there.
    """
    async with connection.channel(publisher_confirms=False) as channel:
        if not alone:
            await channel.declare_exchange(EVENTS_EXCHANGE, "topic", durable=True)
        found = await declarations.declare_queue(channel, declarations.event_log(EVENT_LOG))
        await found.bind(EVENTS_EXCHANGE, routing_key=EVENT_LOG_KEY)


async def verify_event_log(connection: AbstractConnection) -> None:
    """For a user that may declare nothing: look whether the log is there.

    Raises:
        ChannelNotFoundEntity: it is not.
    """
    async with connection.channel(publisher_confirms=False) as channel:
        await channel.declare_queue(EVENT_LOG, passive=True)


async def declare_listener(channel: AbstractChannel) -> AbstractQueue:
    """A queue of the caller's own that gets all events from now on; it is deleted with the connection."""
    found = await channel.declare_queue(
        exclusive=True, auto_delete=True, arguments={"x-max-length": _HEARD_LIMIT, "x-overflow": "drop-head"}
    )
    await found.bind(EVENTS_EXCHANGE, routing_key="*.*")
    return found
