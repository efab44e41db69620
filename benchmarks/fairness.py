"""Fairness: an article of three chunks behind a book of a thousand, compared with the same article alone."""

from __future__ import annotations

import asyncio
import statistics
import time

from benchmarks import books
from benchmarks.environment import BenchEnvironment
from benchmarks.figures import Figure, Figures
from benchmarks.natural_speech import NaturalSpeech
from shared.protocol.messages import JobCancelRequested
from tests.servers.services import Services

TITLE = "Fairness"
ANSWER_SECONDS = 0.3
SLOTS = 8
MAX_PARALLEL = 5
ARTICLE_CHUNKS = 3
BOOK_CHUNKS = 1_000
ARTICLES = 7
QUICK_ARTICLES = 2
LIMIT_SECONDS = 120.0


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    with (
        NaturalSpeech(delay_seconds=ANSWER_SECONDS) as speech,
        environment.services(speech.url, synthesizer_slots=SLOTS) as services,
    ):
        alone, at_once, behind = asyncio.run(_measure(services, QUICK_ARTICLES if quick else ARTICLES))
    median_alone, median_behind = statistics.median(alone), statistics.median(behind)
    return {
        f"article of {ARTICLE_CHUNKS} chunks alone, median of {len(alone)}": Figure(median_alone, "s"),
        f"while a book of {BOOK_CHUNKS:,} is spoken, median of {len(behind)}": Figure(median_behind, "s"),
        "ratio of the medians": Figure(median_behind / median_alone, at_most=2),
        "the slowest of those, against the median alone": Figure(max(behind) / median_alone),
        "submitted in the same moment as the book, against the median alone": Figure(at_once / median_alone, at_most=2),
    }


async def _measure(services: Services, articles: int) -> tuple[list[float], float, list[float]]:
    await _article(services)  # warm up
    alone = [await _article(services) for _ in range(articles)]
    book = await books.submit(services, books.sentences(BOOK_CHUNKS), max_parallel=MAX_PARALLEL)
    at_once = await _article(services)
    await books.reaches(services, book, "synthesizing", seconds=LIMIT_SECONDS)
    behind = [await _article(services) for _ in range(articles)]
    still = await services.status(book)
    if still is None or still.state != "synthesizing":
        raise RuntimeError("The book was over before the articles were.")
    await services.submit(JobCancelRequested(job_id=book))
    return alone, at_once, behind


async def _article(services: Services) -> float:
    """Seconds from an article's submission to its episode."""
    began = time.monotonic()
    job_id = await books.submit(services, books.sentences(ARTICLE_CHUNKS), max_parallel=MAX_PARALLEL)
    await books.reaches(services, job_id, "completed", seconds=LIMIT_SECONDS)
    return time.monotonic() - began
