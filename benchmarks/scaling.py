"""From 1 to 32 synthesizers: how close the time of a job comes to the ideal, and what the coordinator spends a chunk.

The synthesizers are simulated (`benchmarks.simulated_synthesizers`), so that the machine has the processors for all of
them; broker, chunker, coordinator and assembler are real. The ideal is speech time divided by synthesizers.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass

from benchmarks import books
from benchmarks.environment import BenchEnvironment, pids
from benchmarks.figures import Figure, Figures
from benchmarks.long_books import spoken_chunks
from benchmarks.plot import Panel, Plot
from benchmarks.processes import cpu_seconds
from benchmarks.simulated_synthesizers import make_ready
from tests.servers.services import Services

TITLE = "From 1 to 32 synthesizers"
COUNTS = (1, 2, 4, 8, 16, 32)
QUICK_COUNTS = (4, 32)
ANSWER_SECONDS = 1.0
ROUNDS = 15
"""Chunks of each synthesizer: a job takes 15 s."""
QUICK_ROUNDS = 3
"""More than 10 chunks: the segments that are made ready are those of long episodes."""
IN_FLIGHT = 1.5
"""`max_parallel` divided by the synthesizers, so that a request is already at the broker when one is free."""
WARM_UP_CHUNKS = 12
LIMIT_SECONDS = 120.0
_RATIO = "{}: ideal / measured"
_CPU = "{}: CPU of the coordinator, a chunk"
_JOINED = "{}: from the last chunk to the stored episode"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job took.

    Attributes:
        speaking: seconds from the first dispatch until the coordinator knew of the last chunk.
        joining: seconds from then to the stored episode.
        coordinator_cpu: CPU seconds of the coordinator, for all of it.
    """

    speaking: float
    joining: float
    coordinator_cpu: float


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    rounds = QUICK_ROUNDS if quick else ROUNDS
    ready = environment.folder("ready")
    make_ready(spoken_chunks(environment.folder("spoken")), ready)
    figures: Figures = {}
    with environment.services("http://127.0.0.1:9", ("chunker", "coordinator", "assembler")) as services:
        for count in QUICK_COUNTS if quick else COUNTS:
            command = ("-m", "benchmarks.simulated_synthesizers", str(ready), str(count), str(ANSWER_SECONDS))
            logs = environment.folder("simulated")
            with Services(services.environment, logs, command=command) as simulated:
                simulated.start("synthesizer")
                asyncio.run(simulated.ready())
                outcome = asyncio.run(_job(services, count, count * rounds))
            name = f"{count} synthesizer{'s' if count > 1 else ''}"
            ideal = rounds * ANSWER_SECONDS
            figures[f"{name}: {count * rounds} chunks of {ANSWER_SECONDS:g} s, ideal"] = Figure(ideal, "s")
            figures[f"{name}: from the first dispatch to the last chunk"] = Figure(outcome.speaking, "s")
            figures[_RATIO.format(name)] = Figure(ideal / outcome.speaking, at_least=0.9)
            figures[_CPU.format(name)] = Figure(outcome.coordinator_cpu / count / rounds * 1_000, "ms")
            figures[_JOINED.format(name)] = Figure(outcome.joining, "s")
        if "off target" in services.log("assembler"):
            raise RuntimeError("An episode was encoded as a whole: the segments that were made ready do not fit.")
    return figures


def plot(figures: Figures) -> Plot:
    """The ratios beside their target, and what a chunk costs the coordinator."""
    return Plot(
        TITLE,
        (
            Panel.of(figures, _RATIO.format(""), "ideal time / measured time"),
            Panel.of(figures, _CPU.format(""), "CPU of the coordinator, a chunk"),
            Panel.of(figures, _JOINED.format(""), "from the last chunk to the stored episode"),
        ),
    )


async def _job(services: Services, count: int, chunks: int) -> Outcome:
    """Speak a book with so many synthesizers."""
    most = math.ceil(IN_FLIGHT * count)
    warm = await books.submit(services, books.sentences(WARM_UP_CHUNKS), max_parallel=most)
    await books.reaches(services, warm, "completed", seconds=LIMIT_SECONDS)
    used = cpu_seconds(pids(services, "coordinator"))
    job_id = await books.submit(services, books.sentences(chunks), max_parallel=most)
    status = await books.reaches(services, job_id, "assembling", "completed", seconds=LIMIT_SECONDS)
    spoken = time.monotonic()
    await books.reaches(services, job_id, "completed", seconds=LIMIT_SECONDS)
    joining = time.monotonic() - spoken
    used = cpu_seconds(pids(services, "coordinator")) - used
    await books.check_chunks(services, job_id, chunks)
    return Outcome(status.stages["synthesizing"], joining, used)
