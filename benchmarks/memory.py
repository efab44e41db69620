"""Peak memory of the assembler, with its child processes, for an episode of one hour and one of five."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import soundfile
import soxr

from benchmarks import books
from benchmarks.environment import BenchEnvironment, pids
from benchmarks.figures import Figure, Figures
from benchmarks.processes import cpu_seconds, peak_memory
from shared.audio import chunk_audio
from shared.protocol.manifest import Chapter, Chunk, Manifest
from shared.protocol.messages import EpisodeRequested, JobRequest, PauseLengths, TextSource, new_job_id
from shared.store import keys
from shared.store.folder import FileStore
from tests.servers.services import Services

TITLE = "Memory of the assembler"
RATE = 24_000
DISTINCT_CHUNKS = 100
LIMIT_SECONDS = 600.0
MEGABYTE = 1_000_000


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    hours = (0.1, 0.5) if quick else (1, 5)
    spoken = spoken_chunks(environment.folder("spoken"))
    figures: Figures = {}
    peaks = []
    for length in hours:
        with environment.services("http://127.0.0.1:9", ("assembler",)) as services:
            peak, seconds, cpu = asyncio.run(_assemble(services, spoken, length * 3_600))
        peaks.append(peak)
        figures[f"peak for {length:g} h, children included"] = Figure(peak / MEGABYTE, "MB", at_most=200)
        figures[f"time for {length:g} h"] = Figure(seconds, "s")
        figures[f"CPU for {length:g} h"] = Figure(cpu, "s")
    figures[f"peak for {hours[1]:g} h / peak for {hours[0]:g} h"] = Figure(peaks[1] / peaks[0], at_most=1.2)
    return figures


def spoken_chunks(folder: Path) -> list[tuple[Path, float]]:
    """Stored chunks of real speech (espeak-ng), and how long each plays."""
    made = []
    for number, text in enumerate(books.sentences(DISTINCT_CHUNKS)):
        said = subprocess.run(["espeak-ng", "--stdout", text], check=True, capture_output=True, timeout=30)
        samples, rate = soundfile.read(io.BytesIO(said.stdout), dtype="float32")
        data = chunk_audio.encode(np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float32), RATE)
        path = folder / f"{number}.flac"
        path.write_bytes(data)
        made.append((path, chunk_audio.read_measurement(data).seconds))
    return made


async def _assemble(services: Services, spoken: list[tuple[Path, float]], seconds: float) -> tuple[int, float, float]:
    """Have an episode made; returns peak bytes, wall seconds and CPU seconds."""
    manifest = _shelve(services, spoken, seconds)
    await services.store.put(keys.manifest(manifest.job_id), manifest.model_dump_json().encode())
    [pid] = pids(services, "assembler")
    began, used = time.monotonic(), cpu_seconds([pid])
    with peak_memory(pid) as peak:
        await services.submit(EpisodeRequested(job_id=manifest.job_id))
        while not await services.store.exists(keys.episode(manifest.job_id, "timing.json")):
            if time.monotonic() - began > LIMIT_SECONDS:
                raise RuntimeError(
                    f"The episode was not made within {LIMIT_SECONDS:g} s: {services.log('assembler')[-2000:]}"
                )
            await asyncio.sleep(books.LOOK_SECONDS)
    return peak.value, time.monotonic() - began, cpu_seconds([pid]) - used


def _shelve(services: Services, spoken: list[tuple[Path, float]], seconds: float) -> Manifest:
    """A manifest of this length, with a chapter every 25 chunks; each chunk has its own object (a hard link)."""
    assert isinstance(services.store, FileStore)
    job_id = new_job_id()
    pauses = PauseLengths()
    chunks: list[Chunk] = []
    total = 0.0
    while total < seconds:
        index = len(chunks)
        path, length = spoken[index % len(spoken)]
        key = f"audio/{sha256(f'{job_id} {index}'.encode()).hexdigest()}.flac"
        target = services.store.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)
        ends_chapter = index % 25 == 24
        chunks.append(
            Chunk(
                index=index,
                text=f"What chunk {index} says, as long as the sentences of a book are, and then a few words more.",
                chapter=index // 25,
                pause_after="chapter" if ends_chapter else "paragraph",
                audio_key=key,
            )
        )
        total += length + (pauses.chapter if ends_chapter else pauses.paragraph) / 1_000
    return Manifest(
        job_id=job_id,
        request=JobRequest(job_id=job_id, source=TextSource(text="as in the manifest")),
        title="A long book",
        author="A bench",
        language="en",
        voice="default",
        model="default",
        pauses=pauses,
        chapters=tuple(
            Chapter(title=f"Chapter {number}", level=1, first_chunk=number * 25)
            for number in range(chunks[-1].chapter + 1)
        ),
        chunks=tuple(chunks),
    )
