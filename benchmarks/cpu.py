"""CPU per chunk: what chunker, coordinator and synthesizer spend, compared with the unavoidable parts measured alone.

The speech server answers immediately, so only the services' own work is left. A shared machine drifts, so the services
and the parts are measured in turn, several times: each round of the services is compared with the parts measured before
and after it, and the median round counts.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics

import httpx

from benchmarks import books, parts
from benchmarks.environment import SPEAKING, BenchEnvironment, pids
from benchmarks.figures import Figure, Figures
from benchmarks.natural_speech import NaturalSpeech
from benchmarks.processes import cpu_seconds
from services.synthesizer.chunk_work import make_chunk
from shared.store.folder import FileStore
from tests.servers.services import Services

TITLE = "CPU per chunk"
SLOTS = 8
CHUNKS = 1_000
ROUNDS = 5
QUICK_CHUNKS = 150
WARM_CHUNKS = 50
LIMIT_SECONDS = 180.0


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    chunks, rounds = (QUICK_CHUNKS, 1) if quick else (CHUNKS, ROUNDS)
    lines, alone = [], []
    with NaturalSpeech() as speech:
        alone.append(_parts(environment, speech.url, chunks // 4))
        for _ in range(rounds):
            with environment.services(speech.url, SPEAKING, synthesizer_slots=SLOTS) as services:
                lines.append(asyncio.run(_services(services, chunks)))
            alone.append(_parts(environment, speech.url, chunks // 4))
    spent = {service: statistics.median(costs[service] for costs, _ in lines) for service in SPEAKING}
    unavoidable = {name: statistics.median(costs[name] for costs in alone) for name in alone[0]}
    ratios = [
        sum(costs.values()) / ((sum(before.values()) + sum(after.values())) / 2)
        for (costs, _), (before, after) in zip(lines, itertools.pairwise(alone), strict=True)
    ]
    seconds = statistics.median(took for _, took in lines)
    return {
        **{f"{service}": Figure(cost * 1_000, "ms") for service, cost in spent.items()},
        "the line": Figure(sum(spent.values()) * 1_000, "ms"),
        **{f"alone: {name}": Figure(cost * 1_000, "ms") for name, cost in unavoidable.items()},
        "the parts together": Figure(sum(unavoidable.values()) * 1_000, "ms"),
        "line / parts, median round": Figure(statistics.median(ratios), at_most=1.3),
        "line / parts, best round": Figure(min(ratios)),
        "line / parts, worst round": Figure(max(ratios)),
        "chunks a second": Figure(chunks / seconds, ""),
        "of real time, on this machine": Figure(chunks * 8 / seconds, "times"),
    }


async def _services(services: Services, chunks: int) -> tuple[dict[str, float], float]:
    """CPU seconds per chunk by service, and how long speaking took."""
    warm = await books.submit(services, books.sentences(WARM_CHUNKS), max_parallel=SLOTS)
    await books.reaches(services, warm, "assembling", seconds=LIMIT_SECONDS)
    before = {service: cpu_seconds(pids(services, service)) for service in SPEAKING}
    job_id = await books.submit(services, books.sentences(chunks), max_parallel=SLOTS)
    status = await books.reaches(services, job_id, "assembling", seconds=LIMIT_SECONDS)
    spent = {service: (cpu_seconds(pids(services, service)) - before[service]) / chunks for service in SPEAKING}
    await books.check_chunks(services, job_id, chunks)
    return spent, status.stages["synthesizing"]


def _parts(environment: BenchEnvironment, speech_url: str, count: int) -> dict[str, float]:
    """CPU seconds that each part takes for one chunk."""
    [text] = books.sentences(1)
    answer = httpx.post(f"{speech_url}/v1/audio/speech", json={"input": text, "response_format": "wav"}, timeout=30)
    wav = answer.raise_for_status().content
    chunk = make_chunk(wav, text, speed=1.0, sample_rate=parts.RATE).data
    store = FileStore(environment.folder("parts"), deadline_seconds=20)
    with environment.vhost() as amqp_url:
        return {
            "audio work": asyncio.run(parts.audio(wav, text, count)),
            "mastering and encoding an MP3 segment": asyncio.run(parts.encoding(chunk, text, count)),
            "two message hops": asyncio.run(parts.two_hops(amqp_url, text, count)),
            "one HTTP call": asyncio.run(parts.http_call(speech_url, text, count)),
            "two store writes": asyncio.run(parts.store_writes(store, chunk, count)),
        }
