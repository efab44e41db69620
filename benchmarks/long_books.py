"""Books of hours that are spoken already, and how long the assembler takes for one."""

from __future__ import annotations

import asyncio
import io
import subprocess
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from benchmarks import books
from benchmarks.environment import pids
from benchmarks.processes import cpu_seconds, peak_memory
from shared.audio import chunk_audio
from shared.protocol.manifest import Chapter, Chunk, Manifest
from shared.protocol.messages import EpisodeRequested, JobRequest, PauseLengths, SampleRate, TextSource, new_job_id
from shared.store import keys
from tests.servers.services import Services

RATE: Final[SampleRate] = 24_000
DISTINCT_CHUNKS = 100
LIMIT_SECONDS = 600.0
MEGABYTE = 1_000_000

Spoken = list[tuple[Path, float]]
"""Stored chunks, and how long each plays."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an episode took.

    Attributes:
        peak_bytes: memory of the assembler and its child processes.
        seconds: from the request to the stored episode.
        cpu_seconds: of the assembler and its child processes.
    """

    peak_bytes: int
    seconds: float
    cpu_seconds: float


def spoken_chunks(folder: Path) -> Spoken:
    """Stored chunks of real speech (espeak-ng)."""
    made = []
    for number, text in enumerate(books.sentences(DISTINCT_CHUNKS)):
        said = subprocess.run(["espeak-ng", "--stdout", text], check=True, capture_output=True, timeout=30)
        samples, rate = soundfile.read(io.BytesIO(said.stdout), dtype="float32")
        data = chunk_audio.encode(np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float32), RATE)
        path = folder / f"{number}.flac"
        path.write_bytes(data)
        made.append((path, chunk_audio.read_measurement(data).seconds))
    return made


def manifest(count: int, *, a_chapter: int, sample_rate: SampleRate | None = None) -> Manifest:
    """A book of so many chunks; each has objects of its own."""
    job_id = new_job_id()
    return Manifest(
        job_id=job_id,
        request=JobRequest(job_id=job_id, source=TextSource(text="as in the manifest")),
        title="A long book",
        author="A bench",
        language="en",
        voice="default",
        model="default",
        sample_rate=sample_rate,
        pauses=PauseLengths(),
        chapters=tuple(
            Chapter(title=f"Chapter {number}", level=1, first_chunk=number * a_chapter)
            for number in range(-(-count // a_chapter))
        ),
        chunks=tuple(
            Chunk(
                index=index,
                text=f"What chunk {index} says, as long as the sentences of a book are, and then a few words more.",
                chapter=index // a_chapter,
                pause_after="chapter" if index % a_chapter == a_chapter - 1 else "paragraph",
                audio_key=f"audio/{sha256(f'{job_id} {index}'.encode()).hexdigest()}.flac",
            )
            for index in range(count)
        ),
    )


async def assemble(services: Services, book: Manifest, *, fails_with: str | None = None) -> Cost:
    """Have an episode made.

    Args:
        services: an assembler.
        book: stored, with all that its episode is made of.
        fails_with: what its log may not say.
    """
    [pid] = pids(services, "assembler")
    began, used = time.monotonic(), cpu_seconds([pid])
    with peak_memory(pid) as peak:
        await services.submit(EpisodeRequested(job_id=book.job_id))
        while not await services.store.exists(keys.episode(book.job_id, "timing.json")):
            has_failed = fails_with is not None and fails_with in services.log("assembler")
            if time.monotonic() - began > LIMIT_SECONDS or has_failed:
                raise RuntimeError(
                    f"The episode was not made within {LIMIT_SECONDS:g} s: {services.log('assembler')[-2000:]}"
                )
            await asyncio.sleep(books.LOOK_SECONDS)
    return Cost(peak.value, time.monotonic() - began, cpu_seconds([pid]) - used)
