"""10,000 chunks: no service's memory or file descriptors grow with the work it has done."""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from shared.protocol.messages import JobRequest, TextSource
from tests.end_to_end import texts
from tests.fault.cluster import job
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import InstantSpeech

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]

CHUNKS = 10_000
JOBS = 20
AT_A_TIME = 2
WARM_UP = 0.4
"""Fraction of the jobs after which nothing may grow any more."""
TOLERANCE = 0.05
LOOK_SECONDS = 1.0
FEW = 3
"""File descriptors that come and go with what is in flight."""


@pytest.fixture
def services(rabbitmq: RabbitServer, tmp_path: Path) -> Iterator[Services]:
    url = rabbitmq.vhost()
    with InstantSpeech() as speech:
        environment = {
            "PODCAST_AMQP_URL": url,
            "PODCAST_STORE_URL": (tmp_path / "store").as_uri(),
            "PODCAST_SPEECH_URL": speech.url,
            "PODCAST_SPEECH_ENGINE": "instant",
            "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
            "PODCAST_CHUNK_LIMIT_CHARACTERS": "100",
        }
        with Services(environment, tmp_path / "logs") as started:
            started.start(*SERVICES)
            asyncio.run(started.ready())
            yield started
    rabbitmq.drop_vhost(url)


class Watch:
    """Memory and file descriptors of each service over the number of jobs that were done."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.done = 0
        self.memory: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.descriptors: dict[str, list[tuple[int, int]]] = defaultdict(list)

    async def look(self) -> None:
        while True:
            for worker in self._services.workers:
                process = psutil.Process(worker.process.pid)
                self.memory[worker.service].append((self.done, process.memory_full_info().uss))
                self.descriptors[worker.service].append((self.done, process.num_fds()))
            await asyncio.sleep(LOOK_SECONDS)


def median_between(found: list[tuple[int, int]], first: float, last: float) -> float:
    return statistics.median(value for done, value in found if first <= done / JOBS <= last)


async def test_10000_chunks_leave_memory_and_file_descriptors_flat(services: Services) -> None:
    each = CHUNKS // JOBS
    requests: list[JobRequest] = [
        job(texts.book(each, chapters=5, seed=10_000 + number), max_parallel=8) for number in range(JOBS)
    ]
    watch = Watch(services)

    async def one(request: JobRequest, turn: asyncio.Semaphore) -> None:
        async with turn:
            await services.submit(request)
            status = await services.ended(request.job_id, seconds=900)
            assert status.state == "completed", status.error
            assert status.chunks.done == each
            assert isinstance(request.source, TextSource)
            watch.done += 1

    looking = asyncio.create_task(watch.look())
    turn = asyncio.Semaphore(AT_A_TIME)
    await asyncio.gather(*(one(request, turn) for request in requests))
    looking.cancel()
    assert await services.dead_letters() == {}
    for service in SERVICES:
        memory, descriptors = watch.memory[service], watch.descriptors[service]
        warm, late = median_between(memory, WARM_UP, 0.6), median_between(memory, 0.8, 1.0)
        warm_fds, late_fds = median_between(descriptors, WARM_UP, 0.6), median_between(descriptors, 0.8, 1.0)
        tenths = [median_between(memory, tenth / 10, (tenth + 1) / 10) / 1e6 for tenth in range(10)]
        print(  # noqa: T201 - the figures of the report
            f"{service}: {warm / 1e6:.1f} → {late / 1e6:.1f} MB ({' '.join(f'{tenth:.1f}' for tenth in tenths)}),"
            f" {warm_fds:g} → {late_fds:g} descriptors"
        )
        assert late <= warm * (1 + TOLERANCE), f"{service} grew from {warm:,.0f} to {late:,.0f} bytes"
        assert late_fds <= max(warm_fds * (1 + TOLERANCE), warm_fds + FEW), f"{service}: {warm_fds} → {late_fds}"
