"""First audio: how long after its submission a job can be heard, in its HLS stream and in its progressive streams.

Every speech call takes one second. The time runs from sending the submission until the client has the bytes from which
a decoder makes the first audible sample. `podcast render --play` plays the WAV stream, `podcast stream` sends the MP3.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable

import httpx
import numpy as np

from benchmarks import books
from benchmarks.environment import SPEAKING, BenchEnvironment
from benchmarks.figures import Figure, Figures
from benchmarks.natural_speech import NaturalSpeech
from tests.servers.services import Services

TITLE = "First audio"
ANSWER_SECONDS = 1.0
SLOTS = 8
KEY = "pe_0123456789ab_" + "6" * 64
CHUNKS = 12
ROUNDS = 7
QUICK_ROUNDS = 2
LIMIT_SECONDS = 60.0
LOOK_SECONDS = 0.01
DECODE_SECONDS = 30.0
AUDIBLE = 0.01
"""Of full scale, -40 dB; silence before the first word does not count."""
FIRST_BYTES = 200_000
"""Of a stream: 4 s as WAV."""

Arrived = list[tuple[float, bytes]]
"""Seconds since the submission was sent → a piece of audio that came then."""


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    with (
        NaturalSpeech(delay_seconds=ANSWER_SECONDS) as speech,
        environment.services(speech.url, (*SPEAKING, "gateway"), synthesizer_slots=SLOTS, gateway_key=KEY) as services,
    ):
        measured = asyncio.run(_measure(services, QUICK_ROUNDS if quick else ROUNDS))
    figures: Figures = {}
    for name, seconds in measured.items():
        figures[f"{name}: submit to the first audible sample, median of {len(seconds)}"] = Figure(
            statistics.median(seconds), "s"
        )
        figures[f"{name}: that / one speech call, median"] = Figure(
            statistics.median(seconds) / ANSWER_SECONDS, at_most=1.2
        )
        figures[f"{name}: that / one speech call, slowest"] = Figure(max(seconds) / ANSWER_SECONDS)
    return figures


async def _measure(services: Services, rounds: int) -> dict[str, list[float]]:
    (gateway,) = services.of("gateway")
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=gateway.health_url, headers=headers, timeout=LIMIT_SECONDS) as client:

        async def stream(name: str) -> float:
            return await _heard(services, client, lambda job, began: _stream(client, job, began, name))

        async def hls() -> float:
            return await _heard(services, client, lambda job, began: _hls(client, job, began))

        for warm_up in (hls(), stream("mp3"), stream("wav")):
            await warm_up
        return {
            "HLS": [await hls() for _ in range(rounds)],
            "MP3 stream": [await stream("mp3") for _ in range(rounds)],
            "WAV stream (`--play`)": [await stream("wav") for _ in range(rounds)],
        }


async def _heard(
    services: Services, client: httpx.AsyncClient, listen: Callable[[str, float], Awaitable[Arrived]]
) -> float:
    """Submit a job and listen to it; returns the seconds until the first audible sample could be heard."""
    document = {"text": "\n\n".join(books.sentences(CHUNKS)), "source_format": "markdown", "formats": ["mp3"]}
    began = time.monotonic()
    answer = await client.post("/v1/jobs", json=document)
    answer.raise_for_status()
    job_id = answer.json()["job_id"]
    arrived = await listen(job_id, began)
    # Its other chunks would take the next one's slots; nothing assembles here, so it stays in that state.
    await books.reaches(services, job_id, "assembling", seconds=LIMIT_SECONDS)
    return await asyncio.to_thread(_first_audible, arrived)


async def _stream(client: httpx.AsyncClient, job_id: str, began: float, name: str) -> Arrived:
    """The beginning of a progressive stream, which a client may ask for as soon as the job is accepted."""
    arrived: Arrived = []
    async with client.stream("GET", f"/v1/jobs/{job_id}/stream", params={"format": name}) as response:
        response.raise_for_status()
        async for piece in response.aiter_raw():
            arrived.append((time.monotonic() - began, piece))
            if sum(len(piece) for _, piece in arrived) >= FIRST_BYTES:
                break
    return arrived


async def _hls(client: httpx.AsyncClient, job_id: str, began: float) -> Arrived:
    """The first fragments of the HLS stream, which a player finds in its playlist."""
    arrived: Arrived = []
    address = f"/v1/jobs/{job_id}/hls/"
    while time.monotonic() - began < LIMIT_SECONDS:
        listed = await client.get(f"{address}index.m3u8")  # it answers when something is spoken, or after some seconds
        if listed.status_code != httpx.codes.CONFLICT:  # nothing is spoken
            listed.raise_for_status()
            break
        await asyncio.sleep(LOOK_SECONDS)
    else:
        raise RuntimeError(f"The playlist listed nothing within {LIMIT_SECONDS:g} s.")
    initialization = re.findall(r'^#EXT-X-MAP:URI="([^"]+)"', listed.text, re.MULTILINE)
    for name in (*initialization, *re.findall(r"^\d+\.m4s$", listed.text, re.MULTILINE)):
        answer = await client.get(f"{address}{name}")
        answer.raise_for_status()
        arrived.append((time.monotonic() - began, answer.content))
    return arrived


def _first_audible(arrived: Arrived) -> float:
    """When enough had come to decode an audible sample.

    Raises:
        RuntimeError: all that came is silence.
    """
    data = b""
    for seconds, piece in arrived:
        data += piece
        if np.abs(_decoded(data)).max(initial=0.0) >= AUDIBLE:
            return seconds
    raise RuntimeError(f"Nothing can be heard in the first {len(data)} bytes.")


def _decoded(data: bytes) -> np.ndarray:
    """What ffmpeg decodes of the beginning of a stream; nothing if that is too short."""
    arguments = ("-v", "quiet", "-i", "pipe:0", "-f", "f32le", "-ac", "1", "pipe:1")
    made = subprocess.run(("ffmpeg", *arguments), input=data, capture_output=True, check=False, timeout=DECODE_SECONDS)
    return np.frombuffer(made.stdout[: len(made.stdout) // 4 * 4], dtype=np.float32)
