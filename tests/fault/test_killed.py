"""Processes that die or are told to stop, at every step: nothing is lost, nothing finished is spoken again."""

from __future__ import annotations

import asyncio
import signal

import psutil
import pytest

from shared.protocol.messages import JobRequest
from tests.fault.stage import Stage, job, unheard_text
from tests.servers.line import Worker
from tests.waiting import until

CHILDREN_SECONDS = 5.0
STOP_SECONDS = 30.0


# Every service at every step. Those that show most run in the short form too.
SHORT_STEPS = [
    ("chunker", "after-store"),
    ("coordinator", "received@chunk.synthesized"),
    ("coordinator", "after-store@episode.assembled"),
    ("synthesizer", "after-speech"),
    ("synthesizer", "after-publish"),
    ("assembler", "decoding"),
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
    ("coordinator", "after-ack@episode.assembled"),
    ("synthesizer", "received"),
    ("synthesizer", "before-speech"),
    ("synthesizer", "after-store"),
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
def test_a_service_killed_at_a_step_is_made_good(stage: Stage, service: str, step: str) -> None:
    # Two more chunks than are asked for at a time, so that each result makes the coordinator ask for another.
    request = job(unheard_text(7))

    async def scenario() -> None:
        stage.order(service, step, "kill")
        await stage.line.submit(request)
        await stage.proves(request)
        assert stage.was_obeyed(service, step)

    stage.play(scenario)


def test_the_active_coordinator_is_killed_and_the_one_standing_by_takes_over(stage: Stage) -> None:
    request = job(unheard_text(12))

    async def scenario() -> None:
        active = stage.the("coordinator")
        (stand_by,) = stage.start("coordinator")
        await stage.line.ready()
        for voice in stage.voices:
            voice.delay(0.5)
        await stage.line.submit(request)
        await stage.line.reaches(request.job_id, "speaking")
        stage.line.workers.remove(active)  # nobody starts it again
        stage.line.kill(active)
        await stage.proves(request)
        assert stage.line.of("coordinator") == [stand_by]

    stage.play(scenario)


def test_all_services_are_killed_at_once(stage: Stage) -> None:
    requests = [job(unheard_text(6)) for _ in range(2)]

    async def scenario() -> None:
        for voice in stage.voices:
            voice.delay(0.3)
        await stage.line.submit(*requests)
        await stage.line.reaches(requests[0].job_id, "speaking")
        for worker in stage.line.workers:
            stage.line.strike(worker)
        await stage.proves(*requests)

    stage.play(scenario)


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 0)], ids=["KILL", "TERM"])
def test_an_assembler_dies_in_the_middle_of_encoding_and_its_children_with_it(
    stage: Stage, number: signal.Signals, exit_code: int
) -> None:
    request = job(unheard_text(5))

    async def scenario() -> None:
        assembler = stage.the("assembler")
        stage.order("assembler", "encoding", "hang")
        await stage.line.submit(request)
        await until(lambda: stage.was_obeyed("assembler", "encoding"), "it encodes", seconds=60)
        children = psutil.Process(assembler.process.pid).children(recursive=True)
        assert any(child.name() == "ffmpeg" for child in children)
        exits = len(stage.line.exits)
        stage.line.strike(assembler, number)
        await until(lambda: len(stage.line.exits) > exits, "it ends", seconds=STOP_SECONDS)
        assert stage.line.exits[-1] == ("assembler", exit_code)
        _, left = await asyncio.to_thread(psutil.wait_procs, children, CHILDREN_SECONDS)
        assert left == []
        await stage.proves(request)

    stage.play(scenario)


def test_a_killed_chunker_leaves_no_child_behind(stage: Stage) -> None:
    request = job(unheard_text(5))

    async def scenario() -> None:
        chunker = stage.the("chunker")
        await stage.line.submit(request)
        await stage.completes(request)
        children = psutil.Process(chunker.process.pid).children(recursive=True)
        stage.line.strike(chunker)
        _, left = await asyncio.to_thread(psutil.wait_procs, children, CHILDREN_SECONDS)
        assert left == []

    stage.play(scenario)


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_rolling_restarts_during_a_book_bring_nothing_nearer_to_its_death(stage: Stage, rounds: int) -> None:
    book = job(unheard_text(20 * rounds))
    articles: list[JobRequest] = []

    async def stopped(worker: Worker) -> None:
        exits = len(stage.line.exits)
        stage.line.strike(worker, signal.SIGTERM)
        await until(lambda: len(stage.line.exits) > exits, f"{worker.service} ends", seconds=STOP_SECONDS)
        assert stage.line.exits[-1] == (worker.service, 0)
        await stage.line.ready()

    async def scenario() -> None:
        for voice in stage.voices:
            voice.delay(1.5)
        await stage.line.submit(book)
        for _ in range(rounds):
            articles.append(job(unheard_text(3)))
            await stage.line.submit(articles[-1])
            for worker in list(stage.line.workers):
                await stopped(worker)
        for voice in stage.voices:
            voice.delay(0)
        await stage.proves(book, *articles, seconds=200)

    stage.play(scenario, seconds=800)
