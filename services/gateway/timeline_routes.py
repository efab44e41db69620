"""`GET /v1/jobs/{job_id}/timeline`: every chunk of a job in a few bytes each, for a picture of the whole.

Which chunks are done is in the job's status, at most about a second old; so this costs three reads, whatever the
number of chunks, where `…/chunks` looks at each.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from functools import partial
from typing import Any, Final

import pydantic_core
from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError

from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.job_document import TheJobId
from services.gateway.job_routes import existing
from services.gateway.problems import documented
from shared.client.watching import UnreadableJob
from shared.deadlines import in_thread
from shared.errors import NotFound
from shared.protocol import reading
from shared.protocol.chunk_times import ChunkTimes
from shared.protocol.messages import CHUNKS_LIMIT, TERMINAL_STATES, JobStatus
from shared.store import job_manifest, keys

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=GuardedRoute)

_CHUNK: Final = "chunk"
_BITMAP_LIMIT_BYTES: Final = CHUNKS_LIMIT // 8 + 1


class TimelineChapter(BaseModel):
    """A chapter, and where it begins."""

    title: str
    first_chunk: int = Field(description="index of its first chunk")


class JobTimeline(BaseModel):
    """All chunks of a job."""

    total: int = Field(ge=0, description="how many there are; 0 until the job is chunked")
    states: str = Field(
        description="a letter for each chunk: `w` not requested yet, `q` queued or being spoken, `d` done, `f` failed",
        examples=["dddqqww"],
    )
    chapters: list[TimelineChapter] = Field(description="in the order of the text")
    requested: list[float] = Field(
        description="when each was last requested, in seconds since `began_at`; -1: not known. Empty: none is known"
    )
    finished: list[float] = Field(description="when each was done or had failed, likewise")
    spoken: list[float] = Field(description="how long each was worked on in the end; before that, it was queued")
    tries: list[int] = Field(description="how often each was tried; 0: not known")
    began_at: float = Field(description="seconds since the epoch")


@router.get("/{job_id}/timeline", operation_id="getTimeline", responses=documented(404))
@needs("read")
async def timeline(job_id: TheJobId, backend: TheBackend) -> JobTimeline:
    """All chunks of a job, in a form for drawing. Needs the scope `read`."""
    status = await existing(backend.store, job_id)
    try:
        async with backend.manifests:
            manifest = await job_manifest.read_bytes(backend.store, job_id)
            try:
                times = await backend.store.get(keys.chunk_times(job_id))
            except NotFound:
                times = b""
            return await in_thread(partial(timeline_of, status, manifest, times))
    except NotFound:
        return timeline_of(status, b'{"chunks":[],"chapters":[]}')


def timeline_of(status: JobStatus, manifest: bytes, times: bytes = b"") -> JobTimeline:
    """The timeline that a job's documents tell. CPU only.

    Args:
        status: of the job.
        manifest: as it is stored.
        times: its `ChunkTimes` as they are stored; empty: it has none.

    Raises:
        UnreadableJob: the manifest is none.
    """
    try:
        listed: Any = pydantic_core.from_json(manifest)
        audio_keys = [str(chunk["audio_key"]) for chunk in listed["chunks"]]
        chapters = [TimelineChapter(title=one["title"], first_chunk=one["first_chunk"]) for one in listed["chapters"]]
        parallel = int(listed.get("request", {}).get("max_parallel", 0))
    except (ValueError, KeyError, TypeError) as error:
        name = status.job_id
        raise UnreadableJob(f"The manifest of job {name} cannot be read.", hint="Submit the job again.") from error
    known = _times(times, len(audio_keys))
    return JobTimeline(
        total=len(audio_keys),
        states=_states(status, audio_keys, parallel),
        chapters=chapters,
        requested=[] if known is None else list(known.requested),
        finished=[] if known is None else list(known.finished),
        spoken=[] if known is None else list(known.spoken),
        tries=[] if known is None else list(known.tries),
        began_at=(status.resumed_at or status.submitted_at) if known is None else known.began_at,
    )


def _times(data: bytes, chunks: int) -> ChunkTimes | None:
    """The times of the chunks; None if there are none that can be read. They are for people alone."""
    try:
        found = reading.read(ChunkTimes, data, strict=False)
    except ValidationError:
        return None
    lengths = {len(found.requested), len(found.finished), len(found.spoken), len(found.tries)}
    return found if lengths == {chunks} else None


def _states(status: JobStatus, audio_keys: list[str], parallel: int) -> str:
    """The states of chunks with these keys. Those of equal keys are equal."""
    if status.state == "completed":
        return "d" * len(audio_keys)
    distinct = list(dict.fromkeys(audio_keys))
    bits = _bitmap(status.finished.get(_CHUNK, ""), len(distinct))
    found = {key: "d" if bits[place >> 3] >> (place & 7) & 1 else "w" for place, key in enumerate(distinct)}
    for failure in status.failures:
        if failure.kind == _CHUNK and failure.index < len(audio_keys) and found[audio_keys[failure.index]] != "d":
            found[audio_keys[failure.index]] = "f"
    if status.state not in TERMINAL_STATES:
        # The coordinator requests them in order, so many at a time.
        for key in [key for key, state in found.items() if state == "w"][:parallel]:
            found[key] = "q"
    return "".join(found[key] for key in audio_keys)


def _bitmap(checkpoint: str, pieces: int) -> bytes:
    """Which pieces are finished; a checkpoint is a hint, so one that cannot be read says nothing."""
    size = (pieces + 7) // 8
    try:
        data = base64.b64decode(checkpoint, validate=True)
        found = zlib.decompressobj().decompress(data, _BITMAP_LIMIT_BYTES)
    except (binascii.Error, ValueError, zlib.error):
        found = b""
    return found if len(found) == size else bytes(size)
