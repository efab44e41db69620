"""The coordinator's memory: a cache that the store can rebuild at any time, and the only writer of a job's status."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog

from services.coordinator import clock
from services.coordinator.job import Job
from services.coordinator.progress import Progress
from shared.errors import BadInput, NotFound, Outage
from shared.protocol.manifest import Manifest
from shared.protocol.messages import EventName, JobEvent, JobRequest, JobState, JobStatus
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

EVENT_INTERVAL_SECONDS = 0.25
STATUS_INTERVAL_SECONDS = 1.0
"""Progress is written and told at most this often; a change of state at once."""
_LOOKUPS_AT_A_TIME = 16

_EVENT_OF_STATE: dict[JobState, EventName] = {
    "completed": "job.completed",
    "failed": "job.failed",
    "cancelled": "job.cancelled",
}


class Overtaken(Outage):
    """Another coordinator has moved the job meanwhile: what this process remembers of it is not to be believed."""


class Jobs:
    """All jobs that are under way. A job's messages are handled one at a time, jobs side by side.

    The broker lets one coordinator be active at a time; but one that was frozen, or cut off, goes on where it stood
    while another is active already. So the memory ends with the connection (`forget_all`), and a status is written only
    over the one that this process knows.
    """

    def __init__(self, store: Store, tell: Callable[[JobEvent], Awaitable[None]]) -> None:
        self._store = store
        self._tell = tell
        self._jobs: dict[str, Job] = {}
        self._connections = 0
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    @contextlib.asynccontextmanager
    async def held(self, job_id: str) -> AsyncIterator[None]:
        """Hold the job: whoever else wants it waits, in order of arrival."""
        lock, users = self._locks.get(job_id, (asyncio.Lock(), 0))
        self._locks[job_id] = (lock, users + 1)
        try:
            async with lock:
                connection = self._connections
                yield
                if connection != self._connections:
                    self._jobs.pop(job_id, None)
        except BaseException:
            # What was half done in memory is not to be believed; the store knows.
            self._jobs.pop(job_id, None)
            raise
        finally:
            _, users = self._locks[job_id]
            if users == 1:
                del self._locks[job_id]
            else:
                self._locks[job_id] = (lock, users - 1)

    async def find(self, job_id: str) -> Job | None:
        """The job from the cache, or rebuilt from the store; None if there is none."""
        if job_id in self._jobs:
            return self._jobs[job_id]
        status = await self._stored(job_id)
        if status is None:
            return None
        job = Job(status, audio_seconds=status.audio_seconds, stored_at=status.updated_at)
        if not job.ended:
            self._jobs[job_id] = job
        return job

    async def _stored(self, job_id: str) -> JobStatus | None:
        try:
            return JobStatus.model_validate_json(await self._store.get(keys.status(job_id)))
        except NotFound:
            return None

    async def need(self, job_id: str) -> Job:
        """The job, which must exist.

        Raises:
            BadInput: nobody has submitted it.
        """
        job = await self.find(job_id)
        if job is None:
            raise BadInput(f"There is no job {job_id}.", hint="It was never submitted, or its data was deleted.")
        return job

    async def admit(self, request: JobRequest) -> Job:
        """Take a new job into the store: what was asked, that it is active, how it stands."""
        await self._store.put(keys.request(request.job_id), request.model_dump_json().encode())
        await self._store.put(keys.active(request.job_id), b"")
        now = clock.now()
        status = JobStatus(
            job_id=request.job_id, state="chunking", title=request.title or "", submitted_at=now, updated_at=now
        )
        job = self._jobs[request.job_id] = Job(status)
        await self.write(job)
        await self._tell(JobEvent(name="job.started", status=job.status))
        return job

    async def manifest(self, job_id: str) -> Manifest | None:
        """The job's manifest, or None if it is not chunked yet."""
        try:
            return Manifest.model_validate_json(await self._store.get(keys.manifest(job_id)))
        except NotFound:
            return None

    async def rebuild(self, job: Job, manifest: Manifest) -> None:
        """Derive the job's progress from the store: a chunk is finished when its audio is there."""
        audio_keys = list(dict.fromkeys(chunk.audio_key for chunk in manifest.chunks))
        limit = asyncio.Semaphore(_LOOKUPS_AT_A_TIME)

        async def is_there(key: str) -> bool:
            async with limit:
                return await self._store.exists(key)

        found = await asyncio.gather(*(is_there(key) for key in audio_keys))
        done = [key for key, there in zip(audio_keys, found, strict=True) if there]
        job.progress = Progress(manifest, done=done, failed=job.status.failures)

    async def change(self, job: Job, state: JobState, **fields: Any) -> None:
        """Move the job to another state: write it, then tell it. An ended job leaves the cache and `active/`."""
        job.status = self._now(job, state=state, **fields)
        await self.write(job)
        if job.ended:
            await self._store.delete(keys.active(job.job_id))
            self._jobs.pop(job.job_id, None)
        else:
            await self._store.put(keys.active(job.job_id), b"")
            self._jobs[job.job_id] = job
        log.info("job", state=state, job=job.job_id, reason=job.status.error)
        await self._tell(JobEvent(name=_EVENT_OF_STATE.get(state, "job.progressed"), status=job.status))

    async def advance(self, job: Job) -> None:
        """Note progress; written and told at intervals."""
        job.stale = True
        now = time.monotonic()
        job.last_news = now
        if now - job.told_at >= EVENT_INTERVAL_SECONDS:
            job.told_at = now
            job.status = self._now(job)
            await self._tell(JobEvent(name="job.progressed", status=job.status))
        if now - job.written_at >= STATUS_INTERVAL_SECONDS:
            await self.write(job)

    async def write(self, job: Job) -> None:
        """Write the job's status.

        Raises:
            Overtaken: the one in the store is not the one that this process knows.
        """
        job.stale = False
        job.written_at = job.last_news = time.monotonic()
        stored = await self._stored(job.job_id)
        if stored is not None and stored.updated_at != job.stored_at:
            raise Overtaken(f"Job {job.job_id} was moved on by another coordinator: it is {stored.state} now.")
        await self._store.put(keys.status(job.job_id), job.status.model_dump_json().encode())
        job.stored_at = job.status.updated_at

    async def keep_written(self) -> None:
        """Write what has changed since it was last written; runs for as long as the process."""
        while True:
            await asyncio.sleep(STATUS_INTERVAL_SECONDS)
            for job in [job for job in self._jobs.values() if job.stale]:
                try:
                    async with self.held(job.job_id):
                        if job.stale and self._jobs.get(job.job_id) is job:
                            job.status = self._now(job)
                            await self.write(job)
                except Outage as error:
                    log.warning("status not written", job=job.job_id, reason=str(error))

    async def active_ids(self) -> list[str]:
        """Jobs that have not ended, as the store has them."""
        return [key.removeprefix(keys.ACTIVE) async for key in self._store.list(keys.ACTIVE)]

    def cached(self, job_id: str) -> Job | None:
        """The job, if it is in the cache."""
        return self._jobs.get(job_id)

    def forget_all(self) -> None:
        """Drop everything: the connection is lost, and another coordinator may be active from here on."""
        self._connections += 1
        self._jobs.clear()

    def forget(self, job_id: str) -> None:
        """Drop the job from the cache; the next message rebuilds it."""
        self._jobs.pop(job_id, None)

    @staticmethod
    def _now(job: Job, **fields: Any) -> JobStatus:
        """The job's status as of now."""
        if job.progress is not None:
            fields = {"chunks": job.progress.counts, "failures": job.progress.failures, **fields}
        fields = {"audio_seconds": round(job.audio_seconds, 3), "updated_at": clock.now(), **fields}
        return job.status.model_copy(update=fields)
