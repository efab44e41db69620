"""Event streams whose clients go away in every manner: nothing stays behind, and all others are served meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.protocol.messages import ChunkFailure
from tests.fault.raw_streams import MANNERS, RawStream
from tests.integration.gateway.conftest import STACK_KEY, environment, with_key
from tests.integration.gateway.event_streams import Life
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services, Worker
from tests.servers.speech_process import SpeechProcess
from tests.waiting import until

PATIENCE_SECONDS = 3.0
"""How long a test watches an old pattern that would never end."""
GRACE_SECONDS = 3.0
STOP_SECONDS = GRACE_SECONDS + 3
"""Within this time the process has ended; uvicorn would cut off what is left one second after the grace period."""
SEND_SECONDS = 2.0
LOOK_SECONDS = 0.02
OPEN_SECONDS = 120.0
MANY = pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.long)])


@dataclass
class Lone:
    """A gateway of one test."""

    services: Services
    worker: Worker
    rabbitmq: RabbitServer

    @property
    def url(self) -> str:
        return self.worker.health_url

    def stream(self, path: str) -> RawStream:
        return RawStream(self.url, path, STACK_KEY)

    async def metric(self, name: str) -> float:
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            lines = (await client.get("/metrics")).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    async def holds(self) -> dict[str, int]:
        """What the process and the broker have open."""
        seen = len(self.services.log("gateway"))
        os.kill(self.worker.process.pid, signal.SIGUSR1)
        await until(lambda: "--- end of stacks ---" in self.services.log("gateway")[seen:], "the stacks are written")
        return {
            "descriptors": len(os.listdir(f"/proc/{self.worker.process.pid}/fd")),  # noqa: PTH208
            "tasks": self.services.log("gateway")[seen:].count("\ntask "),
            "queues": self._count("length(rabbit_amqqueue:list())"),
            "channels": self._count("length(rabbit_channel:list())"),
        }

    def _count(self, erlang: str) -> int:
        return int(self.rabbitmq.evaluate(f"{erlang}.").removeprefix("{ok, ").rstrip("}\n "))


@pytest.fixture
async def lone(rabbitmq: RabbitServer, amqp_url: str, file_store_url: str, tmp_path: Path) -> AsyncIterator[Lone]:
    settings = {
        **environment(amqp_url, file_store_url),
        "PODCAST_GATEWAY_STREAMS_PER_KEY": "2000",
        "PODCAST_GATEWAY_HEARTBEAT_SECONDS": "1",
        "PODCAST_GRACE_SECONDS": f"{GRACE_SECONDS:g}",
    }
    with Services(settings, tmp_path / "logs") as services:
        (worker,) = services.start("gateway")
        await services.ready()
        yield Lone(services, worker, rabbitmq)


@asynccontextmanager
async def health_reported(url: str, what: str) -> AsyncIterator[None]:
    """Say how long `/healthz` took while the body ran; each answer must be 200."""
    command = (sys.executable, "-m", "tests.fault.health_poll", url)
    poll = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert poll.stdout is not None
    assert await poll.stdout.readline() == b"polling\n"
    yield
    output, _ = await poll.communicate(b"")  # which ends its input
    assert poll.returncode == 0
    took = sorted(map(float, output.split()))
    print(  # noqa: T201 - pytest shows it with -s
        f"{what}: /healthz {len(took)} times, median {statistics.median(took):.1f} ms,"
        f" p99 {took[int(0.99 * len(took))]:.1f} ms, longest {took[-1]:.1f} ms"
    )


@MANY
async def test_streams_that_are_aborted_leave_nothing_behind(lone: Lone, count: int) -> None:
    jobs = [Life(lone.services.store) for _ in range(10)]
    for life in jobs:
        await life.goes("chunking", "synthesizing")
    paths = ["/v1/events", *(f"/v1/jobs/{life.job_id}/events" for life in jobs)]
    with closing(lone.stream(paths[1])) as first:  # what is made once and stays: threads, their selectors
        await first.open()
        await first.has_begun()
    await is_open(lone, 0)
    before = await lone.holds()

    streams = [lone.stream(paths[number % len(paths)]) for number in range(count)]
    try:
        async with health_reported(lone.url, f"{count} streams are opened"):
            await asyncio.gather(*(stream.open() for stream in streams))
            await is_open(lone, count)
        assert (await lone.holds())["descriptors"] >= before["descriptors"] + count
        async with health_reported(lone.url, f"{count} streams are aborted"):
            for number, stream in enumerate(streams):
                await stream.leave(MANNERS[number % len(MANNERS)])
            await is_open(lone, 0)

        async def is_as_before() -> bool:
            return all(value <= before[what] for what, value in (await lone.holds()).items())

        await until(is_as_before, f"what is open is again {before}")
        assert await lone.metric("podcast_gateway_watched_jobs") == 0
        print(f"the loop was late by {await lone.metric('podcast_loop_lag_max_seconds'):.3f} s at most")  # noqa: T201
    finally:
        for stream in streams:
            stream.close()


async def test_a_client_that_does_not_read_is_cut_off(lone: Lone) -> None:
    lone.services.kill(lone.worker)
    lone.services.workers.clear()
    (lone.worker,) = lone.services.start("gateway", PODCAST_GATEWAY_SEND_SECONDS=f"{SEND_SECONDS:g}")
    await lone.services.ready()
    async with lone.services.publisher() as publish:
        life = Life(lone.services.store, publish)
        await life.goes("chunking", "synthesizing")
        job = await life.jobs.find(life.job_id)
        assert job is not None
        long = "x" * 2_000
        job.status = job.status.model_copy(
            update={"failures": tuple(ChunkFailure(index=at, text=long, reason=long) for at in range(20))}
        )
        before = await lone.holds()
        with closing(lone.stream(f"/v1/jobs/{life.job_id}/events")) as stream:
            await stream.open()
            await is_open(lone, 1)
            for number in range(30):  # 80 kB each
                await life.progresses(float(number), is_written=False)
                await asyncio.sleep(LOOK_SECONDS)
            await is_open(lone, 0)
        async with with_key(lone.url) as client:
            assert 'podcast_gateway_streams_ended_total{why="unread"} 1.0' in (await client.get("/metrics")).text
        assert (await lone.holds())["descriptors"] <= before["descriptors"]


@MANY
async def test_a_gateway_with_open_streams_stops_in_its_grace_period(lone: Lone, count: int) -> None:
    life = Life(lone.services.store)
    await life.goes("chunking")
    paths = ["/v1/events", f"/v1/jobs/{life.job_id}/events"]
    streams = [lone.stream(paths[number % 2]) for number in range(count)]
    try:
        await asyncio.gather(*(stream.open() for stream in streams))
        await is_open(lone, count)
        began = time.monotonic()
        os.kill(lone.worker.process.pid, signal.SIGTERM)
        ends = await asyncio.gather(*(stream.until_end() for stream in streams[: count // 2]))
        await until(lambda: lone.worker.process.exit_code is not None, "it has ended", seconds=STOP_SECONDS)
        took = time.monotonic() - began
    finally:
        for stream in streams:
            stream.close()

    assert lone.worker.process.exit_code == 0
    assert took < STOP_SECONDS
    assert all(end.endswith(b"\r\n0\r\n\r\n") for end in ends), "each stream that is read ends properly"


# ---------------------------------------------------------------- the old patterns


@pytest.fixture
def old_web(tmp_path: Path) -> Iterator[SpeechProcess]:
    with SpeechProcess("tests.fault.old_patterns", str(tmp_path)) as web:
        yield web
        web.kill()


async def is_frozen(url: str) -> bool:
    """Whether `/healthz` does not answer for a while."""
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        try:
            await client.get(f"{url}/healthz")
        except httpx.TimeoutException:
            return True
    return False


async def test_news_stream_story_a_client_that_went_away_froze_every_request(
    lone: Lone, old_web: SpeechProcess
) -> None:
    with closing(RawStream(old_web.url, "/events", STACK_KEY)) as stream:
        await stream.open()
        await stream.has_begun()
    assert await is_frozen(old_web.url), "it should wait for its threads"

    life = Life(lone.services.store)
    await life.goes("chunking")
    with closing(lone.stream(f"/v1/jobs/{life.job_id}/events")) as stream:
        await stream.open()
        await stream.has_begun()
    assert not await is_frozen(lone.url)
    await is_open(lone, 0)


async def test_news_stream_story_an_open_stream_kept_the_process_from_stopping(
    lone: Lone, old_web: SpeechProcess
) -> None:
    with closing(RawStream(old_web.url, "/events", STACK_KEY)) as stream:
        await stream.open()
        await stream.has_begun()
        old_web.popen.terminate()
        await asyncio.sleep(PATIENCE_SECONDS)
        assert old_web.popen.poll() is None, "it should wait for its stream"

    with closing(lone.stream("/v1/events")) as stream:
        await stream.open()
        await is_open(lone, 1)
        os.kill(lone.worker.process.pid, signal.SIGTERM)
        await until(lambda: lone.worker.process.exit_code == 0, "it has ended", seconds=STOP_SECONDS)


async def test_podcast_engine_story_a_job_died_with_the_web_process_that_had_taken_it(
    lone: Lone, old_web: SpeechProcess, tmp_path: Path
) -> None:
    async with httpx.AsyncClient(timeout=10) as client:
        asked = {"speech_url": "http://127.0.0.1:9", "texts": []}
        job_id = (await client.post(f"{old_web.url}/jobs", json=asked)).json()["job_id"]
        old_web.kill()
        with SpeechProcess("tests.fault.old_patterns", str(tmp_path)) as again:
            assert (await client.get(f"{again.url}/jobs/{job_id}")).status_code == 404, "the job should be lost"
            again.kill()

    async with with_key(lone.url) as client:
        job_id = (await client.post("/v1/jobs", json={"text": "Hello."})).json()["job_id"]
        lone.services.kill(lone.worker)
        lone.services.restart(lone.worker)
        await lone.services.ready()
        assert (await client.get(f"/v1/jobs/{job_id}")).json()["state"] == "queued"
    assert await lone.services.ready_messages("chunker") == 1


async def is_open(lone: Lone, count: int) -> None:
    """Wait until so many streams are open. Not asked too often: making the metrics is work for the gateway."""
    async with asyncio.timeout(OPEN_SECONDS):
        while await lone.metric("podcast_gateway_streams") != count:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.5)
