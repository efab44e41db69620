"""Peak memory of the assembler, with its child processes, for an episode of one hour and one of five."""

from __future__ import annotations

import asyncio
import os

from benchmarks.environment import BenchEnvironment
from benchmarks.figures import Figure, Figures
from benchmarks.long_books import MEGABYTE, Cost, Spoken, assemble, manifest, spoken_chunks
from shared.protocol.manifest import Manifest
from shared.protocol.messages import PauseLengths
from shared.store import keys
from shared.store.folder import FileStore
from tests.servers.services import Services

TITLE = "Memory of the assembler"
A_CHAPTER = 25


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    hours = (0.1, 0.5) if quick else (1, 5)
    spoken = spoken_chunks(environment.folder("spoken"))
    figures: Figures = {}
    peaks = []
    for length in hours:
        with environment.services("http://127.0.0.1:9", ("assembler",)) as services:
            cost = asyncio.run(_assemble(services, spoken, length * 3_600))
        peaks.append(cost.peak_bytes)
        figures[f"peak for {length:g} h, children included"] = Figure(cost.peak_bytes / MEGABYTE, "MB", at_most=200)
        figures[f"time for {length:g} h"] = Figure(cost.seconds, "s")
        figures[f"CPU for {length:g} h"] = Figure(cost.cpu_seconds, "s")
    figures[f"peak for {hours[1]:g} h / peak for {hours[0]:g} h"] = Figure(peaks[1] / peaks[0], at_most=1.2)
    return figures


async def _assemble(services: Services, spoken: Spoken, seconds: float) -> Cost:
    book = _shelve(services, spoken, seconds)
    await services.store.put(keys.manifest(book.job_id), book.model_dump_json().encode())
    return await assemble(services, book)


def _shelve(services: Services, spoken: Spoken, seconds: float) -> Manifest:
    """A book of this length; each chunk has its own object (a hard link)."""
    assert isinstance(services.store, FileStore)
    pauses = PauseLengths()
    count, total = 0, 0.0
    while total < seconds:
        ends_chapter = count % A_CHAPTER == A_CHAPTER - 1
        total += spoken[count % len(spoken)][1] + (pauses.chapter if ends_chapter else pauses.paragraph) / 1_000
        count += 1
    book = manifest(count, a_chapter=A_CHAPTER)
    for chunk in book.chunks:
        target = services.store.root / chunk.audio_key
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(spoken[chunk.index % len(spoken)][0], target)
    return book
