"""Texts that yield a known number of chunks of a known length, and jobs that speak them."""

from __future__ import annotations

import asyncio
import random
import time

from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat, JobRequest, JobStatus, ObjectSource, new_job_id
from shared.store import keys
from tests.servers.services import Services

CHARACTERS = 133
"""Per chunk: 8 s of speech at the pace of `tests.servers.instant_speech`."""
LOOK_SECONDS = 0.02

_WORDS = ("the", "ferry", "carried", "barrels", "of", "salt", "past", "a", "quiet", "harbour", "while", "nobody", "was")
_seeds = random.Random(3)  # noqa: S311 - not a secret


def sentences(count: int, *, characters: int = CHARACTERS) -> list[str]:
    """`count` sentences of `characters` characters each, different from one another and from those of earlier calls.

    There are no numbers in them: these are spoken as words, and a chunk would be longer than it is said to be.
    """
    made = []
    for _ in range(count):
        text = "In one book"
        while len(text) < characters:
            text += " " + _seeds.choice(_WORDS)
        made.append(text[: characters - 1].rstrip().ljust(characters - 1, "s") + ".")
    return made


async def submit(
    services: Services, texts: list[str], *, max_parallel: int, formats: tuple[AudioFormat, ...] = ("mp3",)
) -> str:
    """Submit a job with one chunk for each text; returns its id."""
    job_id = new_job_id()
    key = keys.source(job_id, "book.md")
    await services.store.put(key, "\n\n".join(texts).encode())
    await services.submit(
        JobRequest(
            job_id=job_id,
            source=ObjectSource(key=key, format="markdown", name="book.md"),
            title="A measured book",
            max_parallel=max_parallel,
            formats=formats,
        )
    )
    return job_id


async def reaches(services: Services, job_id: str, *states: str, seconds: float) -> JobStatus:
    """Wait until the job is in one of the states, checking 50 times a second.

    Raises:
        RuntimeError: it failed, or took too long.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status = await services.status(job_id)
        if status is not None and status.state in states:
            return status
        if status is not None and status.state == "failed":
            raise RuntimeError(f"The job failed: {status.error}")
        await asyncio.sleep(LOOK_SECONDS)
    raise RuntimeError(f"The job was not {' or '.join(states)} within {seconds:g} s.")


async def check_chunks(services: Services, job_id: str, expected: int) -> None:
    """Check that the job was split as the measurement assumes."""
    manifest = Manifest.model_validate_json(await services.store.get(keys.manifest(job_id)))
    if len({chunk.audio_key for chunk in manifest.chunks}) != expected:
        raise RuntimeError(f"The text was cut into {len(manifest.chunks)} chunks instead of {expected}.")
    if {len(chunk.text) for chunk in manifest.chunks} != {CHARACTERS}:
        raise RuntimeError(f"There are chunks that are not of {CHARACTERS} characters, as the measurement assumes.")
