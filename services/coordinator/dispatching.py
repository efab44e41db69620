"""Requests a job's next pieces of work, and changes the job's state when a phase of its plan is over.

The next request is published (confirmed) before the message that made room is acked, so a killed coordinator leaves a
message that keeps the job going. Requesting twice is harmless: the receiver looks for the object first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from services.coordinator import joining_ahead, traces
from services.coordinator.job import Job
from services.coordinator.jobs import Jobs
from services.coordinator.life import Event
from services.coordinator.pieces import Kind, Phase
from services.coordinator.plan import CHUNK
from services.coordinator.progress import Progress
from shared.protocol.manifest import Manifest
from shared.protocol.messages import ChunkRequested, Message

Publish = Callable[[Message], Awaitable[None]]

_TEXT_SHOWN_CHARACTERS = 80


async def dispatch(job: Job, *, jobs: Jobs, publish: Publish, is_news: bool = True) -> None:
    """Request as many pieces as there is room for; end the job if it is complete or cannot be completed.

    Args:
        job: with its manifest in the store.
        jobs: its memory.
        publish: requests pieces.
        is_news: whether something in the job's status has changed.
    """
    progress = await jobs.progress(job)
    if job.synthesizing_since is None:
        job.synthesizing_since = time.monotonic()
    requests = progress.take()
    with traces.of(job):
        await asyncio.gather(*(publish(request) for request in requests))
        await joining_ahead.ask(job, progress, publish=publish)
    if chunks := [request.index for request in requests if isinstance(request, ChunkRequested)]:
        (await jobs.times(job)).requested(chunks)
    fatal = progress.first_fatal()
    if fatal is not None:
        await jobs.move(job, Event.GIVEN_UP, stages=_stages(job), error=_why(progress, *fatal))
    elif progress.complete:
        await jobs.move(job, Event.FINISHED, error=None)
    elif progress.phase > Phase.BEFORE_THE_EPISODE and job.status.state == "synthesizing":
        await jobs.move(job, Event.CHUNKS_FINISHED, stages=_stages(job))
    elif is_news:
        await jobs.advance(job)


async def carry_on(
    job: Job,
    *,
    jobs: Jobs,
    publish: Publish,
    requeue: Publish,
    manifest: Manifest | None = None,
    before: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Request what a job waits for, whatever its state.

    Args:
        job: under way.
        jobs: its memory.
        publish: requests pieces.
        requeue: sends a request to the chunker alone.
        manifest: the job's, if it has been read already.
        before: called when the job is under way, before anything is requested.
    """
    if manifest is None:
        manifest = await jobs.records.manifest(job.job_id) if job.progress is None else job.progress.manifest
    if manifest is None:
        request = await jobs.records.request(job.job_id)
        if request is None:
            await jobs.move(job, Event.GIVEN_UP, error="What was asked of this job is no longer in the store.")
        else:
            await requeue(request)
        return
    await jobs.progress(job, manifest)
    await jobs.move(job, Event.CHUNKED, title=manifest.title, author=manifest.author, error=None)
    if before is not None:
        await before()
    await dispatch(job, jobs=jobs, publish=publish, is_news=False)


def _stages(job: Job) -> dict[str, float]:
    """The time that the job's stages took; that of synthesis adds up each time it is resumed."""
    if job.status.state != "synthesizing" or job.synthesizing_since is None:
        return job.status.stages
    seconds = job.status.stages.get("synthesizing", 0.0) + time.monotonic() - job.synthesizing_since
    job.synthesizing_since = None
    return {**job.status.stages, "synthesizing": round(seconds, 3)}


def _why(progress: Progress, kind: Kind, index: int, reason: str) -> str:
    """Why a job is given up, in full sentences."""
    if kind.name != CHUNK:
        return reason if len(kind.object_keys) == 1 else f"The {kind.name} {index} cannot be made: {reason}"
    count = progress.counts.failed
    more = f" ({count} chunks failed)" if count > 1 else ""
    text = kind.text(index)[:_TEXT_SHOWN_CHARACTERS]
    return f"Chunk {index} cannot be spoken: {reason}{more} Its text begins: “{text}”"
