"""Looks at jobs that have made no progress for longer than their deadlines allow, so that every job ends.

A message may be lost to a purged queue or a discarded dead letter; then nothing would ever move the job again. The
broker delivers each tick to the one active coordinator, so no process has to know whether it is that one. A restarted
coordinator takes up its jobs here: it lists the active ones page by page, with two reads per job
(`docs/adr/0011-a-jobs-life.md`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import structlog

from services.coordinator import clock, metrics
from services.coordinator.dispatching import Publish, carry_on
from services.coordinator.job import Job
from services.coordinator.jobs import Jobs, Overtaken, Unreadable
from services.coordinator.life import Event
from shared.errors import BadInput, Outage
from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import ReconcileRequested
from shared.settings import Settings
from shared.store.queue_states import QueueState

log = structlog.get_logger(__name__)

Backlog = Callable[[topology.WorkQueue], Awaitable[int]]
"""How many messages are ready in a work queue and its wait queues."""

QueueStates = Callable[[], Awaitable[dict[str, QueueState]]]
"""Which queues are paused, by name."""

JOBS_AT_A_TIME = 8
"""Taken up concurrently; the other slots stay free for the messages of jobs that are under way."""
_SHARE_OF_DEADLINE = 0.75
"""A tick ends a little before its handler's deadline; the next one goes on."""
_CHUNKING = frozenset({"queued", "chunking"})


@dataclass
class Reconciler:
    """Takes up jobs that are unknown here, dispatches stalled jobs again, fails overdue ones."""

    jobs: Jobs
    settings: Settings
    publish: Publish
    requeue: Publish
    backlog: Backlog
    queue_states: QueueStates
    _waiting: dict[str, int] = field(default_factory=dict)
    """Number of waiting messages by queue, as of this tick."""
    _paused: frozenset[str] = frozenset()
    _resumed_at: float = 0.0
    """When a queue was last resumed: since then, every job's deadline has begun anew."""

    async def run(self) -> None:
        """Look once at every active job.

        Raises:
            Outage: store or broker does not answer; what was done so far remains done.
        """
        end = time.monotonic() + self.settings.coordinator_deadline_seconds * _SHARE_OF_DEADLINE
        self._waiting.clear()
        states = await self.queue_states()
        self._paused = frozenset(name for name, state in states.items() if state.is_paused)
        self._resumed_at = max((state.resumed_at for state in states.values()), default=0.0)
        async for job_ids in self.jobs.records.active_ids():
            ids = iter([job_id for job_id in job_ids if self._needs_a_look(job_id)])
            outages = await asyncio.gather(*(self._look_at_some(ids, end) for _ in range(JOBS_AT_A_TIME)))
            for outage in filter(None, outages):
                raise outage
            if time.monotonic() >= end:
                log.warning("the next tick looks at the rest of the jobs")
                return

    async def _look_at_some(self, job_ids: Iterator[str], end: float) -> Outage | None:
        """Look at jobs from the shared iterator until the time is up; returns the outage if a server is down."""
        for job_id in job_ids:
            if time.monotonic() >= end:
                break
            try:
                await self._look_at_safely(job_id)
            except Outage as outage:
                return outage
        return None

    def _needs_a_look(self, job_id: str) -> bool:
        """Whether it is unknown here, has made no progress for too long, or is overdue."""
        job = self.jobs.cached(job_id)
        return job is None or self._is_overdue(job) or self._is_still(job)

    def _is_overdue(self, job: Job) -> bool:
        """Whether its time is up. A process that has just started cannot know: the wall clock may be wrong for now.

        The time of a job that waits for a paused queue is not up, and begins anew when a queue is resumed.
        """
        if any(queue.name in self._paused for queue in _queues(job)):
            return False
        limit, trusted_after = self.settings.job_deadline_seconds, self.settings.stalled_seconds
        is_over = clock.age_seconds(max(job.deadline_from, self._resumed_at)) >= limit
        return is_over and clock.running_seconds() >= min(limit, trusted_after)

    def _is_still(self, job: Job) -> bool:
        return time.monotonic() - job.last_news >= self._patience_seconds(job)

    def _patience_seconds(self, job: Job) -> float:
        """How long a job may make no progress: as long as a stage may take for its message.

        Time spent waiting in a queue is not included: a waiting message is seen in the queue.
        """
        if job.status.state in _CHUNKING:
            deadline_seconds = self.settings.chunker_deadline_seconds
        else:
            kinds = job.progress.waits_for() if job.progress is not None else []
            deadline_seconds = max((kind.deadline_seconds(self.settings) for kind in kinds), default=0.0)
        return deadline_seconds + self.settings.stalled_seconds

    async def _look_at_safely(self, job_id: str) -> None:
        """Look at one job. A problem with it does not affect other jobs."""
        try:
            async with self.jobs.held(job_id):
                await self._look_at(job_id)
        except Overtaken as error:
            log.warning("overtaken", job=job_id, reason=str(error))
        except Outage:
            raise
        except Unreadable as error:
            log.error("a job cannot be read", job=job_id, reason=str(error))  # noqa: TRY400 - the sentence says it all
        except Exception:
            log.exception("a job cannot be looked at", job=job_id)

    async def _look_at(self, job_id: str) -> None:
        is_new_here = self.jobs.cached(job_id) is None
        job = await self.jobs.find(job_id)
        if job is None:
            await self._admit_again(job_id)
        elif job.ended:  # killed between writing the end and removing the mark: announce it, perhaps again
            await self.jobs.close(job)
        elif self._is_overdue(job):
            limit = self.settings.job_deadline_seconds
            await self.jobs.move(job, Event.OVERDUE, error=f"The job took longer than its deadline of {limit:g} s.")
        else:
            try:
                await (self._take_up(job) if is_new_here else self._ask_again(job))
            except BadInput as error:  # a manifest or request that cannot be read: nothing would ever move this job
                await self.jobs.move(job, Event.GIVEN_UP, error=str(error))

    async def _take_up(self, job: Job) -> None:
        """Take up another coordinator's job: request again the first pieces that are not known to be finished."""
        manifest = None
        if job.status.state in _CHUNKING:
            manifest = await self.jobs.records.manifest(job.job_id)
            if manifest is None:
                return  # the chunker has its request; if that was lost, the job will be found stalled
        metrics.TAKEN_UP.inc()
        log.info("taking up", job=job.job_id, state=job.status.state)
        await self._carry_on(job, manifest)

    async def _ask_again(self, job: Job) -> None:
        if not self._is_still(job):
            return
        if sum([await self._waiting_in(queue) for queue in _queues(job)]):
            job.last_news = time.monotonic()  # it waits its turn, or for a server that is down
            return
        metrics.STALLED.inc()
        log.warning("standing still", job=job.job_id, state=job.status.state)
        if job.progress is not None:
            job.progress.ask_again()
        job.last_news = time.monotonic()
        await self._carry_on(job)

    async def _carry_on(self, job: Job, manifest: Manifest | None = None) -> None:
        await carry_on(job, jobs=self.jobs, publish=self.publish, requeue=self.requeue, manifest=manifest)

    async def _waiting_in(self, queue: topology.WorkQueue) -> int:
        if queue.name not in self._waiting:
            self._waiting[queue.name] = await self.backlog(queue)
        return self._waiting[queue.name]

    async def _admit_again(self, job_id: str) -> None:
        """Admit a job whose coordinator was killed before it wrote a status; the message that began it may be gone."""
        try:
            request = await self.jobs.records.request(job_id)
        except Unreadable as error:
            await self.jobs.move(await self.jobs.begin(job_id), Event.GIVEN_UP, error=str(error))
            return
        if request is None:
            await self.jobs.records.unmark_active(job_id)
            return
        await self.jobs.admit(request)
        await self.requeue(request)


def _queues(job: Job) -> list[topology.WorkQueue]:
    """The queues in which the job's messages may be waiting."""
    if job.progress is None:
        return [topology.CHUNKER] if job.status.state in _CHUNKING else []
    return [kind.queue for kind in job.progress.waits_for()]


async def tick(publish: Publish, *, every_seconds: float) -> None:
    """Ask the active coordinator to reconcile: at the start, then at an interval.

    Ticks do not expire: the broker would dead-letter those that nobody read in time. Only live coordinators send them,
    so a backlog is short, and an extra tick is harmless.
    """
    starting = True
    while True:
        try:
            await publish(ReconcileRequested(starting=starting))
            starting = False
        except Outage as error:
            log.warning("no tick", reason=str(error))
        await asyncio.sleep(every_seconds)
