"""Consumes `job.submitted`, publishes `job.chunked`. A splitter and an idempotent receiver.

The manifest is in the store before the message is published, so every receiver can read it. If the manifest
already exists, it is only announced again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog
from pydantic import ValidationError

from services.chunker import covers, listed_voices, manifests, metrics
from services.chunker.cancellation import Cancelled, unless_cancelled
from services.chunker.sources import read_source, time_left
from shared.client import show_episodes
from shared.errors import BadInput, BadSource, Conflict, NotFound
from shared.protocol.messages import JobChunked, JobRequest
from shared.protocol.reading import read
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store
from shared.workers.documents import in_worker

log = structlog.get_logger(__name__)

Publish = Callable[[JobChunked], Awaitable[None]]


async def chunk_job(job: JobRequest, *, store: Store, settings: Settings, publish: Publish) -> None:
    """Read a job's source, store its manifest, announce it. Reading stops if the job is cancelled or deleted meanwhile.

    Before that the job's episode is recorded with its show, if it belongs to one.

    Raises:
        BadInput: the source cannot be read, or is over a limit.
        Transient: a server failed or a deadline passed.
    """
    started, left_seconds = time.monotonic(), time_left(settings)
    key = keys.manifest(job.job_id)
    stored: bytes | None = None
    try:
        stored = await store.get(key)
    except NotFound:
        if await store.exists(keys.deleted(job.job_id)):
            log.info("the job was deleted: not read", job=job.job_id)
            return
        job = await _first_request(job, store)
        await show_episodes.announce(store, job)
        work = _made(job, store, settings, left_seconds)
        try:
            manifest, chunks, cover = await unless_cancelled(work, job_id=job.job_id, store=store)
        except Cancelled:
            log.info("the job was cancelled or deleted: stopped reading", seconds=round(time.monotonic() - started, 1))
            return
        metrics.CHUNKS.observe(chunks)
        try:
            if cover:
                with contextlib.suppress(Conflict):  # of a chunker before this one, and found in the same source
                    await store.create(keys.cover(job.job_id), cover, content_type="image/jpeg")
            await store.create(key, manifest, content_type="application/json")
        except Conflict:  # another chunker had the same message: the first manifest counts
            stored = await store.get(key)
    if stored is not None:
        chunks = await in_worker("Reading the stored manifest", left_seconds(), manifests.chunks_in, stored)
    await publish(JobChunked(job_id=job.job_id, chunks=chunks, seconds=time.monotonic() - started))


async def _first_request(job: JobRequest, store: Store) -> JobRequest:
    """The first request with this id, which is the one that counts; the first service to see it stores it."""
    key = keys.request(job.job_id)
    try:
        await store.create(key, job.model_dump_json().encode(), content_type="application/json")
    except Conflict:
        try:
            return read(JobRequest, await store.get(key), strict=False)
        except ValidationError as error:
            raise BadInput(f"The request of job {job.job_id} in the store cannot be read.") from error
    return job


async def _made(
    job: JobRequest, store: Store, settings: Settings, left_seconds: Callable[[], float]
) -> tuple[bytes, int, bytes]:
    """The manifest, how many chunks it lists, and the cover from the source; empty if there is none."""
    if job.cover is not None and not await store.exists(job.cover):
        raise BadSource(f"The cover {job.cover} is not in the store.", hint="Store the picture before the job is sent.")
    packed, name = await read_source(
        job.source, store=store, settings=settings, left_seconds=left_seconds, narration=job.narration
    )
    cover = covers.SourceCover()
    if job.cover is None:
        cover = await covers.of_source(
            packed.picture, wanted=job.narration.cover, settings=settings, left_seconds=left_seconds
        )
    packed = replace(packed, picture=None)
    voices = await listed_voices.read_list(store, settings)
    waits = voices is None and await listed_voices.may_wait(store, job.job_id)
    manifest, chunks = await in_worker(
        "Splitting the text",
        left_seconds(),
        manifests.build,
        job,
        packed,
        settings,
        name=name,
        voices=voices,
        waits=waits,
        has_cover=bool(cover.jpeg),
        warnings=cover.warnings,
    )
    return manifest, chunks, cover.jpeg
