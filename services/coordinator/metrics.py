"""Metrics of jobs and of the queues, which the coordinator knows: where they are, how long they take, how they end.

The gauges about jobs are of the active coordinator; a stand-by has no jobs. Those about the queues are read from the
broker by every coordinator (`queue_watch.py`), so ask for their maximum.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from services.coordinator import clock, plan
from services.coordinator.job import Job
from shared.protocol.messages import TERMINAL_STATES, JobStatus

STATES: Final = ("queued", "chunking", "synthesizing", "assembling")
"""The states of a job that is under way."""
STATUSES: Final = ("unrequested", "requested", "finished", "failed")
"""Those of a piece, as in `Tally.counts`."""
SHOWN_EVERY_SECONDS: Final = 5.0
"""A millisecond of work with a thousand jobs."""
_JOB_BUCKETS: Final = (1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 14_400, 43_200, 86_400)

JOBS_ACTIVE: Final = Gauge("podcast_jobs_active", "Jobs that are under way, by state.", ["state"])
LONGEST_STILL_SECONDS: Final = Gauge(
    "podcast_jobs_longest_still_seconds",
    "Of the jobs in a state, how long the one that has gone longest without progress has made none.",
    ["state"],
)
PIECES: Final = Gauge(
    "podcast_pieces",
    "Pieces of work of the jobs that are under way (a chunk, an episode), by kind and status: requested, unrequested "
    "(waiting for room), finished, failed.",
    ["kind", "status"],
)
JOBS_ENDED: Final = Counter("podcast_jobs_ended", "Jobs that have ended, by their last state.", ["state"])
JOB_SECONDS: Final = Histogram(
    "podcast_job_seconds",
    "Time from a job's submission, or from when it was resumed, to its end; by its last state.",
    ["state"],
    buckets=_JOB_BUCKETS,
)
STAGE_SECONDS: Final = Histogram(
    "podcast_job_stage_seconds",
    "Time that a job spent in a state, waiting in queues included.",
    ["state"],
    buckets=_JOB_BUCKETS,
)
STALLED: Final = Counter(
    "podcast_jobs_stalled", "Jobs that had stood still for longer than their deadlines allow, and were asked for again."
)
TAKEN_UP: Final = Counter("podcast_jobs_taken_up", "Jobs that this coordinator took up from another.")
DEAD_LETTERS: Final = Counter(
    "podcast_dead_letters",
    "Dead letters of the stages that reached the coordinator, by the queue they died in.",
    ["queue"],
)
QUEUE_MESSAGES: Final = Gauge(
    "podcast_queue_messages",
    "Messages in a service's queues that nobody is handling: ready, waiting (for a retry) or dead (dead letters).",
    ["queue", "part"],
)
QUEUE_CONSUMERS: Final = Gauge(
    "podcast_queue_consumers", "Consumers of a service's queue, stand-bys included.", ["queue"]
)
QUEUE_PAUSED: Final = Gauge(
    "podcast_queue_paused",
    "Whether a queue is paused (1), so that nobody takes messages from it, or not (0).",
    ["queue"],
)
QUEUES_READ: Final = Gauge(
    "podcast_queues_read_timestamp_seconds", "When the queues were last read from the broker, since the epoch."
)

for _state in TERMINAL_STATES:
    JOBS_ENDED.labels(_state)  # it begins at 0, so that the first is seen as an increase


def changed(before: JobStatus, after: JobStatus) -> None:
    """Count a job that has come into another state, or has ended."""
    if before.history and before.state != after.state:
        STAGE_SECONDS.labels(before.state).observe(max(0.0, after.updated_at - before.history[-1].at))
    if after.state in TERMINAL_STATES:
        JOBS_ENDED.labels(after.state).inc()
        began = after.resumed_at or after.submitted_at
        JOB_SECONDS.labels(after.state).observe(max(0.0, after.updated_at - began))


class JobGauges:
    """Brings the gauges about jobs up to date."""

    def __init__(self) -> None:
        self._pieces = {(kind, status) for kind in (plan.CHUNK, plan.EPISODE) for status in STATUSES}
        """The labels that have a value: from the start, so that a job shorter than two looks is no gap."""

    def show(self, jobs: Iterable[Job]) -> None:
        """Show these jobs, and no others."""
        now = clock.now()
        active: collections.Counter[str] = collections.Counter()
        pieces: collections.Counter[tuple[str, str]] = collections.Counter()
        longest = dict.fromkeys(STATES, 0.0)
        for job in jobs:
            state = job.status.state
            active[state] += 1
            longest[state] = max(longest.get(state, 0.0), now - job.progressed_at)
            for tally in job.progress.tallies.values() if job.progress is not None else ():
                for status, count in tally.counts.items():
                    pieces[tally.kind.name, status] += count
        for state in STATES:
            JOBS_ACTIVE.labels(state).set(active[state])
            LONGEST_STILL_SECONDS.labels(state).set(longest[state])
        self._pieces |= pieces.keys()
        for kind, status in self._pieces:
            PIECES.labels(kind, status).set(pieces[kind, status])


async def keep_shown(jobs: Callable[[], Iterable[Job]], *, every_seconds: float = SHOWN_EVERY_SECONDS) -> None:
    """Bring the gauges about jobs up to date, as long as the process runs."""
    gauges = JobGauges()
    while True:
        gauges.show(jobs())
        await asyncio.sleep(every_seconds)
