"""The speech route: how soon the first byte comes, and how fast what was spoken before is sent.

Every speech call takes one second. The time runs from sending the request to the first byte of the body.
"""

from __future__ import annotations

import asyncio
import statistics
import time

import httpx

from benchmarks import books
from benchmarks.environment import SPEAKING, BenchEnvironment
from benchmarks.figures import Figure, Figures
from benchmarks.natural_speech import NaturalSpeech
from shared.protocol.messages import JobCancelRequested
from tests.servers.services import Services

TITLE = "The speech route"
ANSWER_SECONDS = 1.0
SLOTS = 8
KEY = "pe_0123456789ab_" + "5" * 64
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
ROUNDS = 5
QUICK_ROUNDS = 1
CHUNKS = 12
BOOK_CHUNKS = 400
READING_CHUNKS = 150
"""Twenty minutes."""
LIMIT_SECONDS = 120.0


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    with (
        NaturalSpeech(delay_seconds=ANSWER_SECONDS) as speech,
        environment.services(speech.url, (*SPEAKING, "gateway"), synthesizer_slots=SLOTS, gateway_key=KEY) as services,
    ):
        alone, busy, reading = asyncio.run(_measure(services, QUICK_ROUNDS if quick else ROUNDS, quick=quick))
    minutes = _reading_chunks(quick=quick) * 8 / 60
    everything = [seconds for some in alone.values() for seconds in some]
    figures = {
        f"first byte, {name}, median of {len(some)}": Figure(statistics.median(some), "s")
        for name, some in alone.items()
    }
    return figures | {
        "first byte / one speech call, median": Figure(statistics.median(everything) / ANSWER_SECONDS, at_most=1.2),
        "first byte / one speech call, slowest": Figure(max(everything) / ANSWER_SECONDS, at_most=1.2),
        f"the same while a book of {BOOK_CHUNKS} chunks is spoken, median": Figure(
            statistics.median(busy) / ANSWER_SECONDS
        ),
        f"{minutes:.0f} minutes that were spoken before, mp3, whole": Figure(reading, "s"),
    }


async def _measure(
    services: Services, rounds: int, *, quick: bool
) -> tuple[dict[str, list[float]], list[float], float]:
    (gateway,) = services.of("gateway")
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=gateway.health_url, headers=headers, timeout=LIMIT_SECONDS) as client:
        await _first_byte(services, client, "mp3")  # warm up
        alone = {name: [await _first_byte(services, client, name) for _ in range(rounds)] for name in FORMATS}
        book = await books.submit(services, books.sentences(BOOK_CHUNKS), max_parallel=5)
        await books.reaches(services, book, "synthesizing", seconds=LIMIT_SECONDS)
        busy = [await _first_byte(services, client, "mp3") for _ in range(rounds)]
        await services.submit(JobCancelRequested(job_id=book))
        document = _document(_reading_chunks(quick=quick))
        (await client.post("/v1/audio/speech", json=document)).raise_for_status()
        began = time.monotonic()
        (await client.post("/v1/audio/speech", json=document)).raise_for_status()
        return alone, busy, time.monotonic() - began


async def _first_byte(services: Services, client: httpx.AsyncClient, audio_format: str) -> float:
    """Seconds until the first byte; the rest is not waited for."""
    document = {**_document(CHUNKS), "response_format": audio_format}
    began = time.monotonic()
    async with client.stream("POST", "/v1/audio/speech", json=document) as response:
        response.raise_for_status()
        async for _ in response.aiter_raw(1):
            seconds = time.monotonic() - began
            break
        job_id = response.headers["x-podcast-job"]
    # Its other chunks would take the next one's slots; nothing assembles here, so it stays in that state.
    await books.reaches(services, job_id, "assembling", seconds=LIMIT_SECONDS)
    return seconds


def _document(chunks: int) -> dict[str, str]:
    return {"input": "\n\n".join(books.sentences(chunks)), "model": "default", "voice": "default"}


def _reading_chunks(*, quick: bool) -> int:
    return READING_CHUNKS // 10 if quick else READING_CHUNKS
