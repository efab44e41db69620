"""Moves jobs along. Consumes every result, publishes every request; the process manager of the line.

Derive, don't remember: a chunk is finished when its audio object exists. The next request is published (confirmed)
before the message that made room is acked, so a killed coordinator leaves a message that carries each job on. Every
handler may see its message twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from aio_pika import IncomingMessage

from services.coordinator import clock
from services.coordinator.job import Job
from services.coordinator.jobs import Jobs
from services.coordinator.progress import Progress
from shared.errors import BadInput
from shared.protocol import envelope, topology
from shared.protocol.manifest import Chunk, Manifest
from shared.protocol.messages import (
    ChunkLost,
    ChunkRequested,
    ChunkSynthesized,
    EpisodeAssembled,
    EpisodeRequested,
    JobCancelRequested,
    JobChunked,
    JobRequest,
    JobStatus,
    Message,
)

log = structlog.get_logger(__name__)

Publish = Callable[[Message], Awaitable[None]]


async def job_submitted(request: JobRequest, *, jobs: Jobs) -> None:
    """A new job; the chunker got the same message. The same id twice is one job."""
    async with jobs.held(request.job_id):
        if await jobs.find(request.job_id) is None:
            await jobs.admit(request)


async def job_chunked(message: JobChunked, *, jobs: Jobs, publish: Publish) -> None:
    """The manifest is there: begin to dispatch. A failed job that was replayed begins again."""
    async with jobs.held(message.job_id):
        manifest = await jobs.manifest(message.job_id)
        if manifest is None:
            raise BadInput(f"Job {message.job_id} has no manifest in the store.")
        job = await jobs.find(message.job_id) or await jobs.admit(manifest.request)
        if job.status.state in {"completed", "cancelled"} or job.progress is not None:
            return
        if job.status.state in {"queued", "chunking"}:
            job.progress = Progress(manifest)  # nothing was asked for yet, so nothing needs looking up
        else:
            await jobs.rebuild(job, manifest)
        stages = {**job.status.stages, "chunking": round(message.seconds, 3)}
        await jobs.change(job, "synthesizing", title=manifest.title, stages=stages, error=None)
        await dispatch(job, jobs=jobs, publish=publish)


async def chunk_synthesized(message: ChunkSynthesized, *, jobs: Jobs, publish: Publish) -> None:
    """A chunk's audio is in the store: request the next one, or the episode."""
    async with jobs.held(message.job_id):
        job = await jobs.need(message.job_id)
        if job.status.state in {"completed", "cancelled"}:
            return
        if job.status.state == "assembling" and job.progress is not None:
            return  # a second copy of the news; without progress it may be the one that was being handled at a crash
        progress = await _progress(job, jobs=jobs)
        if progress.finish(message.audio_key):
            job.audio_seconds += message.audio_seconds
        if job.status.state != "synthesizing":  # a replayed chunk of a failed job
            await jobs.change(job, "synthesizing", error=None)
        await dispatch(job, jobs=jobs, publish=publish)


async def episode_assembled(message: EpisodeAssembled, *, jobs: Jobs) -> None:
    """The episode is in the store and was proved complete: the job has ended."""
    async with jobs.held(message.job_id):
        job = await jobs.need(message.job_id)
        if job.status.state == "cancelled":
            return
        if job.status.state != "completed":
            job.audio_seconds = message.audio_seconds
        await jobs.change(
            job,
            "completed",
            files=message.files,
            loudness_lufs=message.loudness_lufs,
            true_peak_dbtp=message.true_peak_dbtp,
            stages={**job.status.stages, "assembling": round(message.seconds, 3)},
            error=None,
            failures=(),
        )


async def chunk_lost(message: ChunkLost, *, jobs: Jobs, publish: Publish) -> None:
    """The assembler did not find a chunk that was finished: look what is there, and have the rest spoken."""
    async with jobs.held(message.job_id):
        job = await jobs.need(message.job_id)
        manifest = await jobs.manifest(message.job_id)
        if job.ended or manifest is None:
            return
        await jobs.rebuild(job, manifest)
        await jobs.change(job, "synthesizing")
        await dispatch(job, jobs=jobs, publish=publish)


async def job_cancel(message: JobCancelRequested, *, jobs: Jobs) -> None:
    """Stop dispatching; what is in flight is spoken and ignored."""
    async with jobs.held(message.job_id):
        job = await jobs.need(message.job_id)
        if not job.ended:
            await jobs.change(job, "cancelled", error=message.reason)


async def dead_letter(message: IncomingMessage, *, jobs: Jobs, publish: Publish) -> None:
    """A copy of a dead letter: its job learns of it. The letter itself stays where people find it."""
    job_id = envelope.job_id(message)
    if job_id is None:
        return
    queue = envelope.origin(message)[1]
    reason = _reason(message)
    async with jobs.held(job_id):
        job = await jobs.find(job_id)
        if job is None:
            if queue != topology.CHUNKER.name:
                return
            # A job that could not even be read: its sender watches this id.
            now = clock.now()
            job = Job(JobStatus(job_id=job_id, state="chunking", submitted_at=now, updated_at=now))
        if job.ended:
            return
        if queue != topology.SYNTHESIZER.name:
            await jobs.change(job, "failed", error=reason)
            return
        index = envelope.chunk(message)
        progress = await _progress(job, jobs=jobs)
        if index is not None and index < len(progress.manifest.chunks):
            progress.fail(progress.manifest.chunks[index].audio_key, reason)
        await dispatch(job, jobs=jobs, publish=publish)


async def dispatch(job: Job, *, jobs: Jobs, publish: Publish) -> None:
    """Request as many chunks as there is room for; when all have come back, the episode, or the job's end."""
    progress = job.progress
    if progress is None:
        raise RuntimeError(f"job {job.job_id} is dispatched before it is chunked")
    if job.synthesizing_since is None:
        job.synthesizing_since = time.monotonic()
    await asyncio.gather(*(publish(_request(chunk, progress.manifest)) for chunk in progress.take()))
    if not progress.settled:
        await jobs.advance(job)
        return
    spoken_seconds = job.status.stages.get("synthesizing", 0.0) + time.monotonic() - job.synthesizing_since
    stages = {**job.status.stages, "synthesizing": round(spoken_seconds, 3)}
    if progress.complete:
        await publish(EpisodeRequested(job_id=job.job_id))
        await jobs.change(job, "assembling", stages=stages)
        return
    first = progress.failures[0]
    count = progress.counts.failed
    more = f" ({count} chunks failed)" if count > 1 else ""
    await jobs.change(
        job,
        "failed",
        stages=stages,
        error=f"Chunk {first.index} cannot be spoken: {first.reason}{more} Its text begins: “{first.text[:80]}”",
    )


async def _progress(job: Job, *, jobs: Jobs) -> Progress:
    """The job's progress, derived from the store if this process does not have it."""
    if job.progress is None:
        manifest = await jobs.manifest(job.job_id)
        if manifest is None:
            raise BadInput(f"Job {job.job_id} has no manifest in the store.")
        await jobs.rebuild(job, manifest)
    if job.progress is None:
        raise RuntimeError("a rebuilt job has progress")
    return job.progress


def _request(chunk: Chunk, manifest: Manifest) -> ChunkRequested:
    return ChunkRequested(
        job_id=manifest.job_id,
        index=chunk.index,
        text=chunk.text,
        language=manifest.language,
        voice=manifest.voice,
        model=manifest.model,
        speed=manifest.request.speed,
        audio_key=chunk.audio_key,
    )


def _reason(message: IncomingMessage) -> str:
    """Why it died; a letter without our headers was given up by the broker."""
    reason = message.headers.get(envelope.EXCEPTION_MESSAGE)
    if isinstance(reason, bytes):
        reason = reason.decode("utf-8", "replace")
    return str(reason or "The message was delivered too often without being handled: it may kill its consumer.")
