"""The process manager of the pipeline: consumes every result, publishes every request.

Derive, don't remember: a piece of work is finished when its object exists. What an event means for a job's state is in
the table of `life.py`; an event that is not in it changes nothing. Every handler may see its message twice.
"""

from __future__ import annotations

from functools import partial

import structlog

from services.coordinator import life, plan
from services.coordinator.dispatching import Publish, carry_on, dispatch
from services.coordinator.jobs import Jobs, Unreadable
from services.coordinator.life import Event
from services.coordinator.replayed import sent_back, sent_back_under_way, take_over_corrections
from shared.errors import BadInput
from shared.protocol import topology
from shared.protocol.messages import (
    ChunkLost,
    ChunkSynthesized,
    EpisodeAssembled,
    JobCancelRequested,
    JobChunked,
    JobRequest,
    JobResumeRequested,
    PieceFinished,
)
from shared.settings import Settings
from shared.store import keys

log = structlog.get_logger(__name__)

LOSSES_LIMIT = 100
"""Losses in one job, over all its chunks; it bounds how many the status holds."""


async def job_submitted(request: JobRequest, *, jobs: Jobs) -> None:
    """Admit a new job; the chunker got the same message. The same id twice is one job."""
    async with jobs.held(request.job_id):
        if await jobs.find(request.job_id) is None and not await jobs.was_deleted(request.job_id):
            await jobs.admit(request)


async def job_chunked(message: JobChunked, *, jobs: Jobs, publish: Publish) -> None:
    """The manifest is in the store: begin to dispatch."""
    async with jobs.held(message.job_id):
        job = await jobs.find(message.job_id)
        if job is not None and job.ended:
            return
        if job is None and await jobs.was_deleted(message.job_id):
            return  # its chunker was still reading
        manifest = await jobs.records.manifest(message.job_id)
        if manifest is None:
            raise BadInput(f"Job {message.job_id} has no manifest in the store.")
        job = job or await jobs.admit(manifest.request)
        if job.progress is not None:
            return
        await jobs.progress(job, manifest)
        stages = {**job.status.stages, "chunking": round(message.seconds, 3)}
        await jobs.move(job, Event.CHUNKED, title=manifest.title, author=manifest.author, stages=stages, error=None)
        await dispatch(job, jobs=jobs, publish=publish)


async def chunk_synthesized(message: ChunkSynthesized, *, jobs: Jobs, publish: Publish) -> None:
    """A chunk's audio is in the store: request the next one, or the episode."""
    await _finished(message.job_id, message.audio_key, message.audio_seconds, jobs=jobs, publish=publish, chunk=message)


async def piece_finished(message: PieceFinished, *, jobs: Jobs, publish: Publish) -> None:
    """A piece from an additional stage is in the store."""
    await _finished(message.job_id, message.object_key, 0.0, jobs=jobs, publish=publish)


async def _finished(
    job_id: str, key: str, audio_seconds: float, *, jobs: Jobs, publish: Publish, chunk: ChunkSynthesized | None = None
) -> None:
    async with jobs.held(job_id):
        job = await jobs.need(job_id)
        if life.after(job.status.state, Event.PIECE_FINISHED) is None:
            return
        progress = await jobs.progress(job)
        if progress.tallies[plan.EPISODE].index_of(key) is None and progress.finish(key):
            job.audio_seconds += audio_seconds
            index = progress.tallies[plan.CHUNK].index_of(key)
            if chunk is not None and index is not None:
                (await jobs.times(job)).ended(index, spoken_seconds=chunk.seconds, tries=chunk.tries)
        await dispatch(job, jobs=jobs, publish=publish)


async def episode_assembled(message: EpisodeAssembled, *, jobs: Jobs, publish: Publish) -> None:
    """The episode is in the store and was proved complete: the job has ended, if nothing else is under way."""
    async with jobs.held(message.job_id):
        job = await jobs.need(message.job_id)
        if life.after(job.status.state, Event.EPISODE_ASSEMBLED) is None:
            return
        progress = await jobs.progress(job)
        if progress.finish(keys.episode(message.job_id, "timing.json")):
            job.audio_seconds = message.audio_seconds
            job.status = job.status.model_copy(
                update={
                    "files": message.files,
                    "loudness_lufs": message.loudness_lufs,
                    "true_peak_dbtp": message.true_peak_dbtp,
                    "stages": {**job.status.stages, "assembling": round(message.seconds, 3)},
                }
            )
        await dispatch(job, jobs=jobs, publish=publish)


async def chunk_lost(message: ChunkLost, *, jobs: Jobs, publish: Publish, settings: Settings) -> None:
    """The assembler did not find a chunk that was finished: have it synthesized again, but not forever.

    A second loss means that the store has lost more than one object. Then every chunk of the job is requested again,
    which costs only a message for each that still exists.
    """
    async with jobs.held(message.job_id):
        job = await jobs.need(message.job_id)
        if life.after(job.status.state, Event.PIECE_LOST) is None:
            return
        progress = await jobs.progress(job)
        if progress.tallies[plan.CHUNK].index_of(message.audio_key) is None:  # its assembler has read a corrected one
            await take_over_corrections(job, jobs=jobs)
            progress = await jobs.progress(job)
        lost = dict(job.status.lost)
        has_lost_before = bool(lost)
        if progress.lose(message.audio_key, all_of_its_kind=has_lost_before):
            if has_lost_before:
                job.audio_seconds = 0.0  # all of it will be announced again
            lost[message.audio_key] = lost.get(message.audio_key, 0) + 1
            if error := _too_often(message, lost, settings.lost_limit):
                await jobs.move(job, Event.GIVEN_UP, error=error, lost=lost)
                return
            await jobs.move(job, Event.PIECE_LOST, lost=lost)
        await dispatch(job, jobs=jobs, publish=publish)


def _too_often(message: ChunkLost, lost: dict[str, int], limit: int) -> str | None:
    """Why a job is given up because of its losses; None if it may go on."""
    times, of_all = lost[message.audio_key], sum(lost.values())
    if times > limit:
        return f"Chunk {message.index} was spoken and then lost {times} times. The last time: {message.reason}"
    if of_all > LOSSES_LIMIT:
        return f"Chunks were spoken and then lost {of_all} times. The last one, {message.index}: {message.reason}"
    return None


async def job_cancel(message: JobCancelRequested, *, jobs: Jobs) -> None:
    """Stop dispatching; what is in flight is still made, but only leaves an object in the store."""
    async with jobs.held(message.job_id):
        job = await jobs.need(message.job_id)
        await jobs.move(job, Event.CANCELLED, error=message.reason)


async def job_resume(message: JobResumeRequested, *, jobs: Jobs, publish: Publish, requeue: Publish) -> None:
    """Reopen a failed or cancelled job and request what is not finished.

    A cancelled job is reopened only by a request to resume the job itself: replaying dead letters that happen to
    include some of its own does not reopen it. A refused message is not dead-lettered: a replay must not make new ones.
    """
    async with jobs.held(message.job_id):
        try:
            await _resume(message, jobs=jobs, publish=publish, requeue=requeue)
        except Unreadable as error:
            log.warning("a job cannot be resumed", job=message.job_id, reason=str(error))


async def _resume(message: JobResumeRequested, *, jobs: Jobs, publish: Publish, requeue: Publish) -> None:
    job = await jobs.find(message.job_id)
    if job is None:
        log.warning("resume of an unknown job", job=message.job_id)
        return
    if job.status.state == "cancelled" and message.sent_back_to:
        return
    if life.after(job.status.state, Event.RESUMED) is None:
        if message.sent_back_to:
            await sent_back_under_way(job, message, jobs=jobs, publish=publish)
        return
    manifest = await jobs.records.manifest(job.job_id)
    if manifest is None and message.sent_back_to != topology.CHUNKER.name:
        # Before the job is reopened: after that, a redelivery of this message changes nothing.
        request = await jobs.records.request(job.job_id)
        if request is None:
            log.warning("nothing to resume: the request is not in the store", job=message.job_id)
            return
        await requeue(request)
    await jobs.reopen(job)
    if manifest is not None:
        before = partial(sent_back, job, message, jobs=jobs) if message.sent_back_to else None
        await carry_on(job, jobs=jobs, publish=publish, requeue=requeue, manifest=manifest, before=before)
