"""Editions: a book of 300 chunks, one paragraph of it edited, and the time until the new episode is there."""

from __future__ import annotations

import asyncio
import statistics
import time

from benchmarks import books
from benchmarks.environment import BenchEnvironment
from benchmarks.figures import Figure, Figures
from benchmarks.natural_speech import NaturalSpeech
from shared.store import keys
from tests.servers.services import Services

TITLE = "Editions"
CHUNKS = 300
QUICK_CHUNKS = 30
EDITIONS = 7
QUICK_EDITIONS = 2
MAX_PARALLEL = 8
LIMIT_SECONDS = 600.0


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    count, editions = (QUICK_CHUNKS, QUICK_EDITIONS) if quick else (CHUNKS, EDITIONS)
    with NaturalSpeech() as speech, environment.services(speech.url, synthesizer_slots=MAX_PARALLEL) as services:
        first, seconds, calls = asyncio.run(_measure(services, count, editions))
    return {
        f"first edition, {count} chunks": Figure(first, "s"),
        f"one paragraph edited: submit to the new episode, median of {editions}": Figure(
            statistics.median(seconds), "s", at_most=5
        ),
        "the slowest of those": Figure(max(seconds), "s", at_most=5),
        "chunks spoken for each of them, at most": Figure(max(calls), at_most=1),
    }


async def _measure(services: Services, count: int, editions: int) -> tuple[float, list[float], list[int]]:
    texts = books.sentences(count)
    first = await _edition(services, texts)
    seconds, spoken = [], []
    for number, edited in enumerate(books.sentences(editions)):
        texts[(2 * number + 1) * count // (2 * editions)] = edited
        before = await _stored(services)
        seconds.append(await _edition(services, texts))
        spoken.append(await _stored(services) - before)
    return first, seconds, spoken


async def _edition(services: Services, texts: list[str]) -> float:
    began = time.monotonic()
    job_id = await books.submit(services, texts, max_parallel=MAX_PARALLEL)
    await books.reaches(services, job_id, "completed", seconds=LIMIT_SECONDS)
    seconds = time.monotonic() - began
    await books.check_chunks(services, job_id, len(texts))
    return seconds


async def _stored(services: Services) -> int:
    """How many chunks have been spoken so far: each is one object."""
    return sum([key.endswith(".flac") async for key in services.store.list(keys.AUDIO)])
