"""A submission over HTTP while a thousand jobs wait and fifty other requests are open; the memory of an upload."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator

import httpx

from benchmarks import books
from benchmarks.environment import BenchEnvironment, pids
from benchmarks.figures import Figure, Figures
from benchmarks.natural_speech import NaturalSpeech
from benchmarks.processes import peak_memory, resident_bytes
from shared.client import api_keys
from tests.servers.services import Services

TITLE = "Submitting over HTTP"
ANSWER_SECONDS = 20.0
"""Of the speech server: the jobs wait all the time."""
WAITING_JOBS = 1_000
OPEN_REQUESTS = 50
SUBMISSIONS = 1_000
UPLOAD_BYTES = 20_000_000
QUICK_SHARE = 10
AT_A_TIME = 8
MEGABYTE = 1_000_000


def run(environment: BenchEnvironment, *, quick: bool = False) -> Figures:
    share = QUICK_SHARE if quick else 1
    key = api_keys.new_token()
    services = ("gateway", "chunker", "coordinator", "synthesizer")
    with (
        NaturalSpeech(delay_seconds=ANSWER_SECONDS) as speech,
        environment.services(
            speech.url, services, gateway_key=key, gateway_requests_per_minute=1_000_000, synthesizer_slots=1
        ) as running,
    ):
        return asyncio.run(_measure(running, key, WAITING_JOBS // share, SUBMISSIONS // share))


async def _measure(services: Services, key: str, waiting: int, submissions: int) -> Figures:
    url = services.of("gateway")[0].health_url
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        for _ in range(waiting // AT_A_TIME):
            await asyncio.gather(*(_submit(client) for _ in range(AT_A_TIME)))
        alone = [await _submit(client) for _ in range(submissions // 2)]
        async with _open_requests(url, headers) as what:
            one = [await _submit(client) for _ in range(submissions)]
            many: list[float] = []
            began = time.monotonic()
            for _ in range(submissions // AT_A_TIME):
                many += await asyncio.gather(*(_submit(client) for _ in range(AT_A_TIME)))
            took = time.monotonic() - began
            health = [await _get(client, "/healthz") for _ in range(submissions // 10)]
        uploading = await _upload(services, client)
    beside = f"{waiting:,} jobs wait, {OPEN_REQUESTS} {what} are open"
    return {
        f"p99 of a submission, {waiting:,} jobs wait": _p99(alone),
        f"median of a submission, {beside}": Figure(statistics.median(one) * 1_000, "ms"),
        f"p99 of a submission, {beside}": _p99(one),
        f"p99 of a submission, the same, {AT_A_TIME} clients at a time": Figure(_percentile(many) * 1_000, "ms"),
        f"submissions a second, {AT_A_TIME} clients at a time": Figure(len(many) / took),
        "p99 of `/healthz`, the same": Figure(_percentile(health) * 1_000, "ms", at_most=50),
        **uploading,
    }


async def _submit(client: httpx.AsyncClient) -> float:
    """Seconds until the gateway has accepted a job of one chunk."""
    [text] = books.sentences(1)
    began = time.monotonic()
    response = await client.post("/v1/jobs", json={"text": text})
    seconds = time.monotonic() - began
    if response.status_code != httpx.codes.ACCEPTED:
        raise RuntimeError(f"A job was refused: {response.text}")
    return seconds


async def _get(client: httpx.AsyncClient, path: str) -> float:
    began = time.monotonic()
    (await client.get(path)).raise_for_status()
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def _open_requests(url: str, headers: dict[str, str]) -> AsyncIterator[str]:
    """Fifty event streams; without that route, requests whose bodies do not end."""
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=None, limits=limits) as client,  # noqa: S113 - open on purpose
        contextlib.AsyncExitStack() as opened,
    ):
        for _ in range(OPEN_REQUESTS):
            response = await opened.enter_async_context(client.stream("GET", "/v1/events"))
            if response.status_code != httpx.codes.OK:
                break
        else:
            yield "event streams"
            return
        done = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b'{"text": "'
            await done.wait()

        async def send() -> None:
            with contextlib.suppress(httpx.HTTPError):
                await client.post("/v1/jobs", content=endless(), headers={"Content-Type": "application/json"})

        sending = [asyncio.create_task(send()) for _ in range(OPEN_REQUESTS)]
        try:
            yield "requests"
        finally:
            done.set()
            await asyncio.wait(sending)


async def _upload(services: Services, client: httpx.AsyncClient) -> Figures:
    [pid] = pids(services, "gateway")
    book = ("word " * (UPLOAD_BYTES // 10)).encode() + b"\0"  # read, hashed and stored, but never spoken
    book = book.ljust(UPLOAD_BYTES, b"\xff")[:UPLOAD_BYTES]
    await client.post("/v1/jobs", files={"file": ("warm-up.txt", b"word " * 200_000)})
    before = resident_bytes(pid)
    began = time.monotonic()
    with peak_memory(pid) as peak:
        response = await client.post("/v1/jobs", files={"file": ("book.txt", book)})
    seconds = time.monotonic() - began
    if response.status_code != httpx.codes.ACCEPTED:
        raise RuntimeError(f"The upload was refused: {response.text}")
    return {
        "memory of the gateway before an upload of 20 MB": Figure(before / MEGABYTE, "MB"),
        "growth during the upload": Figure(max(0, peak.value - before) / MEGABYTE, "MB", at_most=10),
        "time of the upload": Figure(seconds * 1_000, "ms"),
    }


def _percentile(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[98]


def _p99(seconds: list[float]) -> Figure:
    return Figure(_percentile(seconds) * 1_000, "ms", at_most=100)
