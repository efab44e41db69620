"""`episode.timing.json`: when everything is spoken, and the episode's files. Written last: it completes the episode.

After a redelivery it is found; if it belongs to the same manifest and every file exists, the episode is only announced.
"""

from __future__ import annotations

import hashlib
from functools import partial

from pydantic import Field, ValidationError

from services.assembler.timeline import Timeline
from shared.deadlines import in_thread
from shared.errors import NotFound
from shared.protocol.messages import Frozen, JobId
from shared.protocol.reading import read
from shared.store import keys
from shared.store.port import Store

ASSEMBLY_VERSION = 2
"""Increase it when the same manifest and chunks give a different episode: old episodes are then made again."""


class EpisodeFile(Frozen):
    """One file of the episode."""

    key: str
    size: int = Field(ge=0, description="bytes")


class Encoded(Frozen):
    """How one audio file was made, and what was measured of it after decoding."""

    gain_db: float = Field(strict=False)
    ceiling_dbtp: float = Field(strict=False, description="what the limiter held before encoding")
    encodes: int = Field(ge=1, description="how often it was encoded until it was on target")
    seconds: float = Field(strict=False)
    loudness_lufs: float = Field(strict=False)
    true_peak_dbtp: float = Field(strict=False)


class Timing(Frozen):
    """The timing manifest as it is stored."""

    version: int = 1
    job_id: JobId
    fingerprint: str = Field(description="of the manifest and of how it is assembled")
    timeline: Timeline
    audio: dict[str, Encoded] = Field(min_length=1, description="format → how it was made, in the order asked for")
    files: dict[str, EpisodeFile] = Field(description="format (also `vtt`, `chapters`) → file")


def fingerprint(manifest: bytes, sample_rate: int) -> str:
    """A digest of what an episode is made of, as far as that is known without making it."""
    return hashlib.sha256(f"{ASSEMBLY_VERSION} {sample_rate} ".encode() + manifest).hexdigest()


async def finished(job_id: str, expected_fingerprint: str, store: Store) -> Timing | None:
    """The timing manifest of an episode that already exists, complete and made of the same content; else None."""
    try:
        data = await store.get(keys.episode(job_id, "timing.json"))
        timing = await in_thread(partial(read, Timing, data, strict=False))
    except (NotFound, ValidationError):
        return None
    if timing.fingerprint != expected_fingerprint:
        return None
    for file in timing.files.values():
        if await store.size(file.key) != file.size:
            return None
    return timing
