"""The five systems of DESIGN §1: each test shows the old pattern failing, then our services under the same fault."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from shared.protocol.messages import TextSource
from shared.store import keys
from tests.fault import old_patterns
from tests.fault.cluster import Cluster, job, unheard_text
from tests.fault.evidence import Evidence
from tests.servers.proxy import Proxy
from tests.servers.services import Worker
from tests.servers.speech_process import SpeechProcess
from tests.waiting import until

PATIENCE_SECONDS = 3.0
"""How long a test watches an old pattern that would never end."""
TURN_SECONDS = 0.05
STALL_SECONDS = 5.0
STOP_SECONDS = 30.0


def sentences(source: object) -> list[str]:
    assert isinstance(source, TextSource)
    return source.text.split("\n\n")


def old_web(folder: Path) -> SpeechProcess:
    return SpeechProcess("tests.fault.old_patterns", str(folder))


async def longest_turn(during: float) -> float:
    """The longest time that the event loop was blocked, in seconds."""
    longest, last, end = 0.0, time.monotonic(), time.monotonic() + during
    while last < end:
        await asyncio.sleep(TURN_SECONDS)
        now = time.monotonic()
        longest, last = max(longest, now - last - TURN_SECONDS), now
    return longest


async def still_seconds(worker: Worker, during: float) -> list[float]:
    """What a service reports about its own event loop, polled repeatedly; every request must be answered."""
    found = []
    end = time.monotonic() + during
    async with httpx.AsyncClient(timeout=5) as client:
        while time.monotonic() < end:
            found.append((await client.get(f"{worker.health_url}/healthz")).json()["loop_still_seconds"])
            await asyncio.sleep(TURN_SECONDS)
    return found


async def test_podcast_engine_story_jobs_of_three_chunks_hung_for_ever_and_died_at_the_next_deploy(
    cluster: Cluster, tmp_path: Path
) -> None:
    request = job(unheard_text(5))
    hanging = sentences(request.source)[2]

    async def old_pattern() -> None:
        first = cluster.voices[0]
        first.misbehave("hang", containing=hanging)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(old_patterns.gathered(first.url, sentences(request.source)), PATIENCE_SECONDS)
        client = httpx.AsyncClient(timeout=10)
        with old_web(tmp_path) as web:
            asked = {"speech_url": first.url, "texts": sentences(request.source)}
            job_id = (await client.post(f"{web.url}/jobs", json=asked)).json()["job_id"]
            assert (await client.get(f"{web.url}/jobs/{job_id}")).json() == {"state": "running"}
            web.popen.terminate()
            await asyncio.sleep(PATIENCE_SECONDS)
            assert web.popen.poll() is None, "it should wait for its hung task"
            web.kill()
            assert web.popen.returncode == -signal.SIGKILL
        with old_web(tmp_path) as web:
            answer = await client.get(f"{web.url}/jobs/{job_id}")
            assert answer.status_code == 404, "the job should be lost"
        await client.aclose()

    async def ours() -> None:
        for voice in cluster.voices:
            voice.forget()
            voice.misbehave("hang", containing=hanging, count=1)
        await cluster.services.submit(request)
        await until(lambda: hanging in [call["text"] for call in cluster.calls()], "the third chunk hangs", seconds=60)
        # The next deploy comes while it hangs.
        deployed = cluster.services.workers
        exits = len(cluster.services.exits)
        for worker in deployed:
            cluster.services.strike(worker, signal.SIGTERM)
        await until(
            lambda: len(cluster.services.exits) >= exits + len(deployed), "all have stopped", seconds=STOP_SECONDS
        )
        assert {code for _, code in cluster.services.exits[exits:]} == {0}
        await cluster.proves(request)

    async with cluster.running():
        await old_pattern()
        await ours()


async def test_episode_assembly_story_a_restart_in_the_middle_lost_the_work_and_made_duplicates(
    cluster: Cluster, tmp_path: Path
) -> None:
    request = job(unheard_text(5))

    async def old_pattern() -> None:
        with old_web(tmp_path) as web:
            async with httpx.AsyncClient(timeout=60) as client:
                answer = asyncio.create_task(client.post(f"{web.url}/episodes"))
                await until(lambda: list(tmp_path.glob("*.wav")), "the audio work begins", seconds=20)
                assert not answer.done(), "the client waits for the audio work"
                children = psutil.Process(web.pid).children()
                web.kill()
                with pytest.raises(httpx.HTTPError):
                    await answer
            for child in children:
                child.kill()  # its children would outlive it
        (half,) = list(tmp_path.glob("*.wav"))  # noqa: ASYNC240 - a folder with one file
        with old_web(tmp_path) as web:
            again = asyncio.create_task(asyncio.to_thread(httpx.post, f"{web.url}/episodes", timeout=60))
            await until(lambda: len(list(tmp_path.glob("*.wav"))) == 2, "it begins from the start", seconds=20)
            assert half.exists(), "what the first one made stays as a duplicate"
            for child in psutil.Process(web.pid).children():
                child.kill()
            await again

    async def ours() -> None:
        cluster.arm("assembler", "joining", "kill")
        async with cluster.services.publisher() as publish:
            connected = time.monotonic()
            await publish(request)
        assert time.monotonic() - connected < 1, "submitting waits for no work"
        await until(lambda: cluster.was_hit("assembler", "joining"), "it is killed as it joins", seconds=60)
        await cluster.proves(request)
        client, bucket = cluster.s3
        episode = keys.episode(request.job_id, "mp3")
        assert len(list(client.list_objects(bucket, prefix=episode, include_version=True))) == 1

    async with cluster.running():
        await old_pattern()
        await ours()


async def test_image_generator_story_one_blocking_upload_froze_every_other_task(cluster: Cluster) -> None:
    requests = [job(unheard_text(4)) for _ in range(2)]

    async def old_pattern() -> None:
        with Proxy(cluster.minio.node.port) as slow:
            slow.break_as("stall")
            turning = asyncio.create_task(longest_turn(PATIENCE_SECONDS))
            await asyncio.sleep(2 * TURN_SECONDS)
            with pytest.raises(httpx.TimeoutException):
                old_patterns.upload_inside_a_coroutine(
                    f"http://127.0.0.1:{slow.port}/bucket/picture", b"x" * 100_000, timeout_seconds=PATIENCE_SECONDS
                )
            assert await turning > PATIENCE_SECONDS / 2, "the other task should have stood still"

    async def ours() -> None:
        await cluster.services.submit(*requests)
        for request in requests:
            await cluster.services.reaches(request.job_id, "synthesizing", "assembling", "completed")
        evidence = Evidence(cluster)
        cluster.proxies["store"].break_as("stall")
        still = await asyncio.gather(*(still_seconds(worker, STALL_SECONDS) for worker in cluster.services.workers))
        await evidence.bit("store", "stall")
        cluster.proxies["store"].heal()
        assert max(map(max, still)) < STALL_SECONDS / 2
        await cluster.proves(*requests)

    async with cluster.running():
        await old_pattern()
        await ours()


async def test_retrieval_tool_story_a_time_out_left_a_zombie_thread_and_no_log_line(cluster: Cluster) -> None:
    request = job(unheard_text(3))
    slow = sentences(request.source)[1]

    async def old_pattern() -> None:
        first = cluster.voices[0]
        first.misbehave("trickle", containing=slow)
        thread = await asyncio.to_thread(
            old_patterns.joined_with_a_time_out, first.url, slow, seconds=PATIENCE_SECONDS / 2
        )
        await asyncio.sleep(PATIENCE_SECONDS)
        assert thread.is_alive(), "the read time-out should never fire on a server that trickles"
        first.kill()  # nothing else ends it
        await asyncio.to_thread(thread.join, 10)
        assert first.popen.stdout is not None
        first.popen.stdout.close()
        await cluster.give_voice()

    async def ours() -> None:
        evidence = Evidence(cluster)
        for voice in cluster.voices:
            voice.misbehave("trickle", containing=slow, count=1)
        await cluster.services.submit(request)
        await evidence.logged("took longer than 4 s", services=["synthesizer"])
        await cluster.proves(request)
        line = evidence.lines("took longer than 4 s", services=["synthesizer"])[0]
        for part in (f"job={request.job_id}", "chunk=1", "attempt=1", "seconds="):
            assert part in line

    async with cluster.running():
        await old_pattern()
        await ours()


@contextmanager
def stuck_threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """A pool whose threads wait for something that never comes."""
    release = threading.Event()
    workers = ThreadPoolExecutor(count)
    for _ in range(count):
        workers.submit(release.wait)
    timer = threading.Timer(PATIENCE_SECONDS, release.set)
    timer.start()
    try:
        yield workers
    finally:
        release.set()
        timer.cancel()


async def test_news_stream_story_waiting_for_threads_froze_every_request(cluster: Cluster) -> None:
    request = job(unheard_text(6))

    async def old_pattern() -> None:
        with stuck_threads(2) as workers:
            turning = asyncio.create_task(longest_turn(PATIENCE_SECONDS))
            await asyncio.sleep(2 * TURN_SECONDS)
            old_patterns.disconnected(workers)
            assert await turning > PATIENCE_SECONDS / 2, "every other request should have waited for the threads"

    async def ours() -> None:
        synthesizer = cluster.the("synthesizer")
        evidence = Evidence(cluster)
        cluster.proxies["store"].break_as("stall")
        await cluster.services.submit(request)
        await evidence.bit("store", "stall")
        # The chunker's threads are stuck in the store; its health and its stacks are still available.
        chunker = cluster.the("chunker")
        still = await still_seconds(chunker, 1)
        assert max(still) < 1
        stacks = (await asyncio.to_thread(httpx.get, f"{chunker.health_url}/stacks")).text
        assert "thread watchdog" in stacks
        exits = len(cluster.services.exits)
        for worker in (chunker, synthesizer, cluster.the("coordinator")):
            cluster.services.strike(worker, signal.SIGTERM)
        await until(
            lambda: len(cluster.services.exits) >= exits + 3, "they stop without their threads", seconds=STOP_SECONDS
        )
        assert {code for _, code in cluster.services.exits[exits:]} == {0}
        cluster.proxies["store"].heal()
        await cluster.proves(request)

    async with cluster.running():
        await old_pattern()
        await ours()
