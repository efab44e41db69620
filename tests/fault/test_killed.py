"""Processes that die or are told to stop, at every step: nothing is lost, nothing finished is spoken again."""

from __future__ import annotations

import asyncio
import signal
from functools import partial

import psutil
import pytest

from shared.protocol.messages import PART_CHUNKS, JobRequest
from shared.store import keys
from tests.fault.cluster import Cluster, job, unheard_text
from tests.fault.evidence import Evidence
from tests.fault.failpoints import ENCODE_WHOLE
from tests.servers.services import Worker
from tests.waiting import until

CHILDREN_SECONDS = 5.0
STOP_SECONDS = 30.0


# Every service at every step. The most telling ones run in the short suite too.
SHORT_STEPS = [
    ("chunker", "after-store"),
    ("coordinator", "received@chunk.synthesized"),
    ("coordinator", "after-store@episode.assembled"),
    ("synthesizer", "after-speech"),
    ("synthesizer", "after-publish"),
    ("synthesizer", "before-encoding"),
    ("assembler", "joining"),
]
LONG_STEPS = [
    ("chunker", "received"),
    ("chunker", "before-store"),
    ("chunker", "after-publish"),
    ("chunker", "after-ack"),
    ("coordinator", "received@job.submitted"),
    ("coordinator", "after-store@job.submitted"),
    ("coordinator", "after-ack@job.submitted"),
    ("coordinator", "received@job.chunked"),
    ("coordinator", "before-store@job.chunked"),
    ("coordinator", "before-publish@job.chunked"),
    ("coordinator", "after-publish@job.chunked"),
    ("coordinator", "after-ack@job.chunked"),
    ("coordinator", "before-publish@chunk.synthesized"),
    ("coordinator", "after-publish@chunk.synthesized"),
    ("coordinator", "before-ack@chunk.synthesized"),
    ("coordinator", "received@episode.assembled"),
    ("coordinator", "before-store@episode.assembled"),
    ("coordinator", "before-publish@episode.assembled"),
    ("coordinator", "after-publish@episode.assembled"),
    ("coordinator", "after-ack@episode.assembled"),
    ("synthesizer", "received"),
    ("synthesizer", "before-speech"),
    ("synthesizer", "after-store"),
    ("synthesizer", "after-encoding"),
    ("synthesizer", "after-ack"),
    ("assembler", "received"),
    ("assembler", "before-store"),
    ("assembler", "after-store"),
    ("assembler", "after-publish"),
    ("assembler", "after-ack"),
]


@pytest.mark.parametrize(
    ("service", "step"),
    [*SHORT_STEPS, *(pytest.param(*step, marks=pytest.mark.long) for step in LONG_STEPS)],
)
async def test_a_service_killed_at_a_step_is_made_good(cluster: Cluster, service: str, step: str) -> None:
    # Two more chunks than are requested at a time, so that each result makes the coordinator request another.
    request = job(unheard_text(7))

    async with cluster.running():
        evidence = Evidence(cluster)
        cluster.arm(service, step, "kill")
        await cluster.services.submit(request)
        await until(lambda: cluster.was_hit(service, step), "a process comes to the step", seconds=60)
        await evidence.ended((service, -signal.SIGKILL))
        await cluster.proves(request)


async def test_kills_while_encoding_and_joining_change_no_byte_of_the_episode(cluster: Cluster) -> None:
    text = unheard_text(6)
    disturbed, calm = job(text, title="The same"), job(text, title="The same")

    async with cluster.running():
        steps = [("synthesizer", "before-encoding"), ("assembler", "joining")]
        for service, step in steps:
            cluster.arm(service, step, "kill")
        await cluster.services.submit(disturbed)
        for service, step in steps:
            await until(partial(cluster.was_hit, service, step), f"it is killed {step}", seconds=60)
        await cluster.proves(disturbed)
        await cluster.services.submit(calm)
        await cluster.proves(calm)
        assert _files(cluster, disturbed, "mp3") == _files(cluster, calm, "mp3")


async def test_an_assembler_that_dies_while_it_writes_the_archive_of_chapters_writes_the_same_again(
    cluster: Cluster,
) -> None:
    text = "\n\n".join(f"# Chapter {number}\n\n{unheard_text(2)}" for number in range(4))
    disturbed, calm = (job(text, title="The same", chapter_files=True) for _ in range(2))

    async with cluster.running():
        cluster.arm("assembler", "archiving", "kill")
        await cluster.services.submit(disturbed)
        await until(partial(cluster.was_hit, "assembler", "archiving"), "it is killed", seconds=60)
        await cluster.proves(disturbed)
        await cluster.services.submit(calm)
        await cluster.proves(calm)
        assert _files(cluster, disturbed, "zip", "mp3") == _files(cluster, calm, "zip", "mp3")


@pytest.mark.parametrize("step", ["joining", pytest.param("before-store", marks=pytest.mark.long)])
async def test_an_assembler_that_dies_while_it_joins_ahead_changes_no_byte_of_the_episode(
    cluster: Cluster, step: str
) -> None:
    text = unheard_text(2 * PART_CHUNKS + 6)
    disturbed, calm = (job(text, title="The same", formats=("mp3", "wav"), max_parallel=16) for _ in range(2))

    async with cluster.running():
        at = f"{step}@episode.part_requested"
        cluster.arm("assembler", at, "kill")
        await cluster.services.submit(disturbed)
        await until(partial(cluster.was_hit, "assembler", at), "it is killed as it joins ahead", seconds=120)
        await cluster.proves(disturbed)
        await cluster.services.submit(calm)
        await cluster.proves(calm)
        assert _files(cluster, disturbed, "mp3", "wav") == _files(cluster, calm, "mp3", "wav")


def _files(cluster: Cluster, request: JobRequest, *names: str) -> list[bytes]:
    client, bucket = cluster.s3
    return [client.get_object(bucket, keys.episode(request.job_id, name)).read() for name in names]


async def test_the_active_coordinator_is_killed_and_the_one_standing_by_takes_over(cluster: Cluster) -> None:
    request = job(unheard_text(12))

    async with cluster.running():
        active = cluster.the("coordinator")
        (stand_by,) = cluster.start("coordinator")
        await cluster.services.ready()
        await cluster.synthesizes(request, call_seconds=0.5)
        cluster.services.workers.remove(active)  # it is not restarted
        cluster.services.kill(active)
        assert active.process.exit_code == -signal.SIGKILL
        status = await cluster.services.status(request.job_id)
        assert status is not None
        assert status.state == "synthesizing", "it died in the middle"
        await cluster.proves(request)
        assert cluster.services.of("coordinator") == [stand_by]


async def test_all_services_are_killed_at_once(cluster: Cluster) -> None:
    requests = [job(unheard_text(6)) for _ in range(2)]

    async with cluster.running():
        await cluster.synthesizes(*requests, call_seconds=0.3)
        evidence = Evidence(cluster)
        killed = list(cluster.services.workers)
        for worker in killed:
            cluster.services.strike(worker)
        await evidence.ended(*((worker.service, -signal.SIGKILL) for worker in killed))
        await cluster.proves(*requests)


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 0)], ids=["KILL", "TERM"])
async def test_an_assembler_dies_in_the_middle_of_encoding_and_its_children_with_it(
    cluster: Cluster, number: signal.Signals, exit_code: int
) -> None:
    request = job(unheard_text(5))

    async with cluster.running():
        assembler = cluster.the("assembler")
        cluster.arm("assembler", ENCODE_WHOLE, "for as long as the test takes")
        cluster.arm("assembler", "encoding", "hang")
        await cluster.services.submit(request)
        await until(lambda: cluster.was_hit("assembler", "encoding"), "it encodes", seconds=60)
        children = psutil.Process(assembler.process.pid).children(recursive=True)
        assert any(child.name() == "ffmpeg" for child in children)
        exits = len(cluster.services.exits)
        cluster.services.strike(assembler, number)
        await until(lambda: len(cluster.services.exits) > exits, "it ends", seconds=STOP_SECONDS)
        assert cluster.services.exits[-1] == ("assembler", exit_code)
        _, left = await asyncio.to_thread(psutil.wait_procs, children, CHILDREN_SECONDS)
        assert left == []
        await cluster.proves(request)


async def test_a_killed_chunker_leaves_no_child_behind(cluster: Cluster) -> None:
    request = job(unheard_text(5))

    async with cluster.running():
        chunker = cluster.the("chunker")
        await cluster.services.submit(request)
        await cluster.completes(request)
        children = psutil.Process(chunker.process.pid).children(recursive=True)
        assert children, "the process that reads documents waits for the next one"
        evidence = Evidence(cluster)
        cluster.services.strike(chunker)
        await evidence.ended(("chunker", -signal.SIGKILL))
        _, left = await asyncio.to_thread(psutil.wait_procs, children, CHILDREN_SECONDS)
        assert left == []


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
async def test_rolling_restarts_during_a_book_bring_nothing_nearer_to_its_death(cluster: Cluster, rounds: int) -> None:
    book = job(unheard_text(20 * rounds))
    articles: list[JobRequest] = []

    async def stopped(worker: Worker) -> None:
        exits = len(cluster.services.exits)
        cluster.services.strike(worker, signal.SIGTERM)
        await until(lambda: len(cluster.services.exits) > exits, f"{worker.service} ends", seconds=STOP_SECONDS)
        assert cluster.services.exits[-1] == (worker.service, 0)
        await cluster.services.ready()

    async with cluster.running(seconds=800):
        cluster.slow_down(1.5)
        evidence = Evidence(cluster)
        await cluster.services.submit(book)
        for _ in range(rounds):
            articles.append(job(unheard_text(3)))
            await cluster.services.submit(articles[-1])
            for worker in list(cluster.services.workers):
                await stopped(worker)
        interrupted = evidence.lines("finishing", "in_flight=['")
        assert interrupted, "some had a message in hand when they were told to stop"
        cluster.slow_down(0)
        await cluster.proves(book, *articles, seconds=200)
