"""Makespan compared with the ideal: one job, every speech call takes one second, eight slots.

The ideal is speech time divided by slots. The makespan is the time that the coordinator measured from its first
dispatch until the last chunk's audio was in the store.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks import books
from benchmarks.environment import SPEAKING, BenchEnvironment
from benchmarks.figures import Figure, Figures
from benchmarks.natural_speech import NaturalSpeech
from tests.servers.services import Services

TITLE = "Makespan compared with the ideal"
SLOTS = 8
IN_FLIGHT = SLOTS + 4
"""`max_parallel` of the job: more than the slots, so that a request is already at the broker when a slot is free."""
ANSWER_SECONDS = 1.0
CHUNKS = 300
QUICK_CHUNKS = 40
LIMIT_SECONDS = 180.0


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    chunks = QUICK_CHUNKS if quick else CHUNKS
    ideal = chunks * ANSWER_SECONDS / SLOTS
    with NaturalSpeech(delay_seconds=ANSWER_SECONDS) as speech:
        with environment.services(speech.url, synthesizer_slots=SLOTS) as services:
            makespan, whole = asyncio.run(_job(services, chunks, "completed"))
        processes = (*SPEAKING, "synthesizer")
        with environment.services(speech.url, processes, synthesizer_slots=SLOTS // 2) as services:
            makespan_of_two, _ = asyncio.run(_job(services, chunks, "assembling"))
    return {
        f"ideal: {chunks} chunks of {ANSWER_SECONDS:g} s over {SLOTS} slots": Figure(ideal, "s"),
        "makespan, one synthesizer with 8 slots": Figure(makespan, "s"),
        "ideal / makespan, one synthesizer with 8 slots": Figure(ideal / makespan, at_least=0.95),
        "makespan, two synthesizers with 4 slots": Figure(makespan_of_two, "s"),
        "ideal / makespan, two synthesizers with 4 slots": Figure(ideal / makespan_of_two, at_least=0.95),
        f"submit to completed episode of {chunks * 8 / 60:.0f} minutes, one synthesizer": Figure(whole, "s"),
    }


async def _job(services: Services, chunks: int, until: str) -> tuple[float, float]:
    """Speak a book; returns the seconds of speaking, and those from its submission until it reaches a state."""
    warm = await books.submit(services, books.sentences(SLOTS), max_parallel=IN_FLIGHT)
    await books.reaches(services, warm, until, seconds=LIMIT_SECONDS)
    began = time.monotonic()
    job_id = await books.submit(services, books.sentences(chunks), max_parallel=IN_FLIGHT)
    status = await books.reaches(services, job_id, until, seconds=LIMIT_SECONDS)
    whole = time.monotonic() - began
    await books.check_chunks(services, job_id, chunks)
    return status.stages["synthesizing"], whole
