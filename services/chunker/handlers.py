"""Consumes `job.submitted`, publishes `job.chunked`. A splitter and an idempotent receiver.

The manifest is in the store before the message is published, so every receiver can read it. If the manifest
already exists, it is only announced again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import structlog
from pydantic import ValidationError

from services.chunker import manifests
from services.chunker.cancellation import Cancelled, unless_cancelled
from services.chunker.documents import read_packed
from services.chunker.fetching import fetch
from services.chunker.workers import in_worker
from shared.errors import BadInput, BadSource, Conflict, NotFound, TooLarge
from shared.protocol.messages import JobChunked, JobRequest, SourceFormat, TextSource, UrlSource
from shared.protocol.reading import read
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

Publish = Callable[[JobChunked], Awaitable[None]]

_OWN_SHARE_OF_DEADLINE = 0.9
"""The handler ends a little before its deadline, with an error that names the step that took too long."""


async def chunk_job(job: JobRequest, *, store: Store, settings: Settings, publish: Publish) -> None:
    """Read a job's source, store its manifest, announce it. Reading stops if the job is cancelled meanwhile.

    Raises:
        BadInput: the source cannot be read, or is over a limit.
        Transient: a server failed or a deadline passed.
    """
    started = time.monotonic()

    def left_seconds() -> float:
        return max(0.0, started + settings.chunker_deadline_seconds * _OWN_SHARE_OF_DEADLINE - time.monotonic())

    key = keys.manifest(job.job_id)
    stored: bytes | None = None
    try:
        stored = await store.get(key)
    except NotFound:
        job = await _first_request(job, store)
        work = _made(job, store, settings, left_seconds)
        try:
            manifest, chunks = await unless_cancelled(work, job_id=job.job_id, store=store)
        except Cancelled:
            log.info("the job was cancelled: stopped reading", seconds=round(time.monotonic() - started, 1))
            return
        try:
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
) -> tuple[bytes, int]:
    if job.cover is not None and not await store.exists(job.cover):
        raise BadSource(f"The cover {job.cover} is not in the store.", hint="Store the picture before the job is sent.")
    source = await _source(job, store, settings)
    document = await read_packed(
        source.data,
        format=source.format,
        name=source.name,
        content_type=source.content_type,
        deadline_seconds=left_seconds(),
    )
    if document.characters > settings.text_limit_characters:
        raise TooLarge(
            f"The text has {document.characters:,} characters; {settings.text_limit_characters:,} are the limit.",
            hint="Split it into several jobs, or raise PODCAST_TEXT_LIMIT_CHARACTERS.",
        )
    return await in_worker(
        "Splitting the text", left_seconds(), manifests.build, job, document, settings, name=source.title_name
    )


@dataclass(frozen=True, slots=True)
class _Source:
    data: bytes
    format: SourceFormat | None
    name: str
    title_name: str
    content_type: str = ""


async def _source(job: JobRequest, store: Store, settings: Settings) -> _Source:
    source = job.source
    if isinstance(source, TextSource):
        return _Source(source.text.encode(), source.format, name="", title_name="")
    if isinstance(source, UrlSource):
        fetched = await fetch(
            str(source.url),
            limit_bytes=settings.source_limit_bytes,
            deadline_seconds=settings.fetch_deadline_seconds,
            connect_timeout_seconds=settings.connect_timeout_seconds,
            allowed=settings.fetch_allowed,
        )
        parts = urlsplit(fetched.final_url)
        name = PurePosixPath(unquote(parts.path)).name
        return _Source(fetched.data, source.format, name, name or parts.hostname or "", fetched.content_type)
    size = await store.size(source.key)
    if size is None:
        raise _missing(source.key)
    if size > settings.source_limit_bytes:
        raise TooLarge(
            f"The source has {size / 1e6:,.1f} MB; {settings.source_limit_bytes / 1e6:,.1f} MB are the limit.",
            hint="Split it into several documents, or raise PODCAST_SOURCE_LIMIT_BYTES.",
        )
    name = source.name or PurePosixPath(source.key).name
    try:
        return _Source(await store.get(source.key), source.format, name, name)
    except NotFound as error:
        raise _missing(source.key) from error


def _missing(key: str) -> BadSource:
    return BadSource(f"The source {key} is not in the store.", hint="Store the document before the job is sent.")
