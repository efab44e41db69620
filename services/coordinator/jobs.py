"""The coordinator's memory: a cache that the store can rebuild at any time, and the only writer of a job's status."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog

from services.coordinator import chunk_times, clock, life, metrics, plan, traces
from services.coordinator.chunk_times import TimesKept
from services.coordinator.events import ending, event_of
from services.coordinator.job import Job
from services.coordinator.life import Event
from services.coordinator.progress import Progress
from services.coordinator.records import Overtaken, Records, Unreadable
from services.coordinator.turns import Turns
from shared.errors import BadInput, Outage
from shared.protocol.manifest import Manifest
from shared.protocol.messages import TERMINAL_STATES, JobEnded, JobEvent, JobRequest, JobStatus, StateChange
from shared.runtime.delivery import Ignored
from shared.store.port import Store

__all__ = ["Jobs", "Overtaken", "Unreadable"]

log = structlog.get_logger(__name__)

EVENT_INTERVAL_SECONDS = 0.25
STATUS_INTERVAL_SECONDS = 1.0
"""Progress is published and written at most this often; a change of state, immediately."""


TIMES_INTERVAL_SECONDS = 4.0
"""How often the times of chunks are written; a book of 20,000 chunks has 300 kB of them."""


class Jobs:
    """All jobs that are under way. A job's messages are handled one at a time, different jobs concurrently.

    The broker lets one coordinator be active at a time. But one that was frozen or cut off resumes where it was while
    another is already active. So the memory is dropped with the connection (`forget_all`), and a status is written only
    over the version that this process knows.

    Args:
        store: where the jobs' documents are.
        tell: publishes a transient event.
        announce: publishes a durable event; confirmed when it returns.
        plan_of: what a job consists of.
    """

    def __init__(
        self,
        store: Store,
        *,
        tell: Callable[[JobEvent], Awaitable[None]],
        announce: Callable[[JobEnded], Awaitable[None]],
        plan_of: plan.Plan = plan.of,
    ) -> None:
        self.records = Records(store)
        self._store = store
        self._tell = tell
        self._announce = announce
        self._plan_of = plan_of
        self._jobs: dict[str, Job] = {}
        self._connections = 0
        self._turns = Turns()

    @contextlib.asynccontextmanager
    async def held(self, job_id: str) -> AsyncIterator[None]:
        """Hold the job; others wait for it in order of arrival."""
        async with self._turns.of(job_id):
            connection = self._connections
            try:
                yield
            except BaseException:
                # Half-done changes in memory cannot be trusted; the store is right.
                self._jobs.pop(job_id, None)
                raise
            if connection != self._connections:
                self._jobs.pop(job_id, None)

    async def find(self, job_id: str) -> Job | None:
        """The job from the cache, or rebuilt from the store; None if there is none.

        Raises:
            Unreadable: what is stored is not a status.
        """
        if job_id in self._jobs:
            return self._jobs[job_id]
        found = await self.records.status(job_id)
        if found is None:
            return None
        status, version = found
        # Without a checkpoint every chunk is requested and counted again.
        job = Job(status, version=version, audio_seconds=status.audio_seconds if status.finished else 0.0)
        if not job.ended:
            self._jobs[job_id] = job
        return job

    async def need(self, job_id: str) -> Job:
        """The job, which must exist.

        Raises:
            Ignored: it was deleted.
            BadInput: nobody has submitted it.
        """
        job = await self.find(job_id)
        if job is None:
            if await self.was_deleted(job_id):
                raise Ignored(f"Job {job_id} was deleted.")
            raise BadInput(f"There is no job {job_id}.", hint="It was never submitted.")
        return job

    async def was_deleted(self, job_id: str) -> bool:
        """Whether a job without a status was deleted: what is still under way for it changes nothing."""
        found = await self.records.was_deleted(job_id)
        if found:
            log.info("a message of a deleted job", job=job_id)
        return found

    async def admit(self, request: JobRequest) -> Job:
        """Record a new job in the store: its request (the first one with its id), its mark as active, its state."""
        request = await self.records.first_request(request)
        job = await self.begin(request.job_id)
        await self.move(job, Event.SUBMITTED, title=request.title or "", author=request.author or "")
        return job

    async def begin(self, job_id: str) -> Job:
        """A job that has no status yet; from now on it is marked as active."""
        await self.records.mark_active(job_id)
        now = clock.now()
        history = (StateChange(number=1, state="queued", at=now),)
        traced = traces.is_asked_for(job_id)
        return Job(
            JobStatus(job_id=job_id, state="queued", submitted_at=now, updated_at=now, history=history, traced=traced)
        )

    async def progress(self, job: Job, manifest: Manifest | None = None) -> Progress:
        """The job's progress; if this process does not have it, derived from the manifest and the last status.

        Raises:
            BadInput: the job has no manifest, or one that cannot be read.
        """
        if job.progress is None:
            manifest = manifest or await self.records.manifest(job.job_id)
            if manifest is None:
                raise BadInput(f"Job {job.job_id} has no manifest in the store.")
            job.progress = Progress(
                manifest, self._plan_of(manifest), checkpoints=job.status.finished, failed=job.status.failures
            )
        return job.progress

    async def times(self, job: Job) -> TimesKept:
        """When the job's chunks were requested and made, as far as it is known; of its present run alone."""
        chunks = len((await self.progress(job)).manifest.chunks)
        if job.times is None or job.times.began_at != job.deadline_from:
            job.times = TimesKept(job.job_id, chunks, began_at=job.deadline_from)
        return job.times

    async def reread(self, job: Job) -> None:
        """Take over the manifest if it was corrected meanwhile; what is finished, failed or requested stays so.

        Raises:
            BadInput: the job has no manifest, or one that cannot be read.
        """
        known = await self.progress(job)
        manifest = await self.records.manifest(job.job_id)
        if manifest is not None and manifest.corrections != known.manifest.corrections:
            job.progress = Progress(
                manifest, self._plan_of(manifest), checkpoints=known.checkpoints, failed=known.failures
            )
            for key in known.in_flight:
                job.progress.sent_back(key)

    async def move(self, job: Job, event: Event, **fields: Any) -> bool:
        """Move the job by the table of its life: write its state, then publish it.

        An ended job leaves the cache and `active/`.

        Returns:
            False if the event changes nothing in the job's state; then nothing was done.
        """
        state = life.after(job.status.state, event)
        if state is None:
            return False
        now = clock.now()
        history = life.history(job.status, state, at=now)
        before = job.status
        if state in TERMINAL_STATES and job.times is not None:
            await chunk_times.write(self._store, job.times)  # first: an ended job may be deleted at any moment
        job.progressed_at = now
        job.status = job.status_now(state=state, updated_at=now, history=history, **fields)
        await self.write(job)
        metrics.changed(before, job.status)
        log.info("job", state=state, job=job.job_id, on=event.value, reason=job.status.error)
        if job.ended:
            await self.close(job)
        else:
            self._jobs[job.job_id] = job
        await self._tell(event_of(job.status, is_new=event is Event.SUBMITTED))
        return True

    async def close(self, job: Job) -> None:
        """Announce an ended job; it leaves `active/` only when that is confirmed, so a crash repeats it."""
        self._jobs.pop(job.job_id, None)
        with traces.of(job):
            await self._announce(ending(job.status))
        await self.records.unmark_active(job.job_id)
        traces.ended(job.status)

    async def reopen(self, job: Job) -> None:
        """Resume an ended job, with a fresh deadline and without its failures and losses."""
        await self.records.mark_active(job.job_id)  # before it is reopened, so that a restarted coordinator finds it
        job.progress = None
        await self.move(job, Event.RESUMED, resumed_at=clock.now(), error=None, failures=(), warnings=(), lost={})

    async def advance(self, job: Job) -> None:
        """Note progress; it is published and written at intervals."""
        job.stale = True
        now = time.monotonic()
        job.last_news = now
        job.progressed_at = clock.now()
        if now - job.told_at >= EVENT_INTERVAL_SECONDS:
            job.told_at = now
            job.status = job.status_now()
            await self._tell(event_of(job.status))
        if now - job.written_at >= STATUS_INTERVAL_SECONDS:
            await self.write_now(job)

    async def write_now(self, job: Job) -> None:
        """Bring the job's status up to date and write it.

        Raises:
            Overtaken: the one in the store is not the one that this process knows.
        """
        job.status = job.status_now()
        await self.write(job)

    async def write(self, job: Job) -> None:
        """Write `job.status` unchanged.

        Raises:
            Overtaken: the one in the store is not the one that this process knows.
        """
        job.stale = False
        job.written_at = job.last_news = time.monotonic()
        job.version = await self.records.write(job.status, job.version)

    async def keep_times_written(self) -> None:
        """Write the times of the chunks of each job under way now and then; runs as long as the process."""
        while True:
            await asyncio.sleep(TIMES_INTERVAL_SECONDS)
            for job in [job for job in self._jobs.values() if job.times is not None and job.times.is_new]:
                with contextlib.suppress(Outage):
                    async with self.held(job.job_id):
                        if job.times is not None and self._jobs.get(job.job_id) is job:
                            await chunk_times.write(self._store, job.times)

    async def keep_written(self) -> None:
        """Write each status that has changed since it was last written; runs as long as the process."""
        while True:
            await asyncio.sleep(STATUS_INTERVAL_SECONDS)
            for job in [job for job in self._jobs.values() if job.stale]:
                try:
                    async with self.held(job.job_id):
                        if job.stale and self._jobs.get(job.job_id) is job:
                            await self.write_now(job)
                except Outage as error:
                    log.warning("status not written", job=job.job_id, reason=str(error))

    def all(self) -> list[Job]:
        """Every job in the cache."""
        return list(self._jobs.values())

    def cached(self, job_id: str) -> Job | None:
        """The job, if it is in the cache."""
        return self._jobs.get(job_id)

    def forget_all(self) -> None:
        """Drop everything: the connection is lost, and another coordinator may be active from now on."""
        self._connections += 1
        self._jobs.clear()
