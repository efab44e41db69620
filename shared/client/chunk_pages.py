"""The chunks of a job, a page at a time: what is spoken, whether it is done, and why not.

A chunk is done when its audio is in the store; its audio also tells how long it is. Why one cannot be made is in the
job's status, for the first failures of a job; all of them are dead letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import pydantic_core
from pydantic import TypeAdapter

from shared.audio import chunk_audio
from shared.client.watching import UnreadableJob
from shared.concurrency import gathered
from shared.deadlines import in_thread
from shared.errors import BadAudio, NotFound
from shared.protocol.manifest import Chunk
from shared.protocol.messages import ChunkFailure, JobStatus
from shared.store import job_manifest
from shared.store.port import Store

ChunkState: TypeAlias = Literal["waiting", "done", "failed"]

_LOOKS_AT_A_TIME: Final = 16
_HEADER_BYTES: Final = 16_384
"""Enough of a chunk for the measurement of two minutes of speech."""
_CHUNK: Final = TypeAdapter(Chunk)
_CHUNK_KIND: Final = "chunk"


@dataclass(frozen=True)
class ChunkFound:
    """A chunk, and how it is.

    Attributes:
        chunk: as the manifest has it.
        state: `waiting` also stands for a chunk that is being spoken.
        audio_seconds: how long its audio is, if it is done and its audio tells.
        failure: why it cannot be made, if it has failed and the status names it.
    """

    chunk: Chunk
    state: ChunkState
    audio_seconds: float | None = None
    failure: ChunkFailure | None = None


@dataclass(frozen=True)
class ChunksPage:
    """A page of chunks.

    Attributes:
        total: how many the job has; 0 until it is chunked.
        chunks: in the order of the text.
        next: index of the first chunk of the next page; None at the end.
    """

    total: int
    chunks: list[ChunkFound]
    next: int | None


async def chunks_page(store: Store, status: JobStatus, *, first: int, limit: int) -> ChunksPage:
    """The chunks of a job from index `first` on.

    Costs the reading of the manifest and of the beginning of each chunk's audio.

    Raises:
        UnreadableJob: its manifest cannot be read.
        StoreDown: the store does not answer.
    """
    try:
        manifest = await job_manifest.read_bytes(store, status.job_id)
    except NotFound:
        return ChunksPage(0, [], None)
    failed = [each for each in status.failures if each.kind == _CHUNK_KIND]
    total, chunks, failures = await in_thread(partial(_part, manifest, first, limit, failed, status.job_id))

    async def look(chunk: Chunk) -> ChunkFound:
        try:
            start = await store.get_range(chunk.audio_key, 0, _HEADER_BYTES)
        except NotFound:
            failure = failures.get(chunk.audio_key)
            return ChunkFound(chunk, "failed" if failure else "waiting", failure=failure)
        return ChunkFound(chunk, "done", audio_seconds=_seconds(start))

    found = await gathered(look, chunks, at_a_time=_LOOKS_AT_A_TIME)
    end = first + len(chunks)
    return ChunksPage(total, found, end if end < total else None)


def _part(
    manifest: bytes, first: int, limit: int, failed: list[ChunkFailure], job_id: str
) -> tuple[int, list[Chunk], dict[str, ChunkFailure]]:
    """How many chunks a manifest has, some of them, and the failures by audio, which equal chunks share.

    Only the chunks of the page are checked, which takes a third of the time.
    """
    try:
        listed: Any = pydantic_core.from_json(manifest)["chunks"]
        some = [_chunk(each) for each in listed[first : first + limit]]
        failures = {listed[each.index]["audio_key"]: each for each in failed if each.index < len(listed)}
        return len(listed), some, failures
    except (ValueError, KeyError, TypeError) as error:  # pydantic's errors are ValueErrors
        raise UnreadableJob(f"The manifest of job {job_id} cannot be read.", hint="Submit the job again.") from error


def _chunk(fields: Any) -> Chunk:
    # As JSON, in which a strict dataclass may be an object; a Python dictionary is refused.
    return _CHUNK.validate_json(pydantic_core.to_json(fields), extra="ignore")


def _seconds(start: bytes) -> float | None:
    try:
        return round(chunk_audio.read_measurement(start).seconds, 3)
    except BadAudio:
        return None
