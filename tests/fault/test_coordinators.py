"""Two coordinators: one at a time is active, and what the other remembers must not be believed."""

from __future__ import annotations

import asyncio
import signal

import pytest

from shared.protocol.messages import JobStatus
from tests.fault.stage import Stage, job, unheard_text

RESUMED_SECONDS = 4.0
"""Enough for a coordinator that was frozen to do whatever it was about to do."""


async def spoken_chunks(stage: Stage, job_id: str, count: int) -> JobStatus:
    """Wait until so many chunks of a job are done."""
    for _ in range(600):
        status = await stage.line.status(job_id)
        if status is not None and status.chunks.done >= count:
            return status
        await asyncio.sleep(0.1)
    raise AssertionError(f"never {count} chunks")


def test_a_coordinator_that_was_frozen_does_not_undo_what_the_other_did(stage: Stage) -> None:
    request = job(unheard_text(12))

    async def scenario() -> None:
        frozen = stage.the("coordinator")
        (other,) = stage.start("coordinator")
        await stage.line.ready()
        for voice in stage.voices:
            voice.delay(0.4)
        await stage.line.submit(request)
        await spoken_chunks(stage, request.job_id, 2)
        await asyncio.sleep(0.5)  # until it has news that it has not written yet
        stage.line.strike(frozen, signal.SIGSTOP)
        stage.doors["broker"].cut_now()  # so that the broker learns of it at once
        await stage.completes(request)
        stage.line.strike(frozen, signal.SIGCONT)
        await asyncio.sleep(RESUMED_SECONDS)
        await stage.proves(request)
        status = await stage.line.status(request.job_id)
        assert status is not None
        assert status.state == "completed"
        await stage.line.leaves_active(request.job_id)
        stage.dismiss(other)

    stage.play(scenario)


def test_a_coordinator_that_becomes_active_again_does_not_believe_its_old_memory(stage: Stage) -> None:
    request = job(unheard_text(20))

    async def scenario() -> None:
        first = stage.the("coordinator")
        (second,) = stage.start("coordinator")
        await stage.line.ready()
        for voice in stage.voices:
            voice.delay(0.6)
        await stage.line.submit(request)
        await spoken_chunks(stage, request.job_id, 3)
        stage.line.strike(first, signal.SIGSTOP)
        stage.doors["broker"].cut_now()
        await spoken_chunks(stage, request.job_id, 10)
        stage.line.strike(first, signal.SIGCONT)
        await asyncio.sleep(2)
        logged = len(stage.line.log("coordinator"))
        stage.dismiss(second)  # a clean stop: what it had in hand is handed back
        await stage.proves(request)
        assert "standing still" not in stage.line.log("coordinator")[logged:], "the job waited for the reconciler"

    stage.play(scenario)


@pytest.mark.parametrize("days", [2, pytest.param(-2, marks=pytest.mark.long)])
def test_a_clock_that_jumps_ends_no_job_and_delays_none(stage: Stage, days: int) -> None:
    requests = [job(unheard_text(12)) for _ in range(2)]

    async def scenario() -> None:
        for voice in stage.voices:
            voice.delay(1.5)
        await stage.line.submit(requests[0])
        await spoken_chunks(stage, requests[0].job_id, 1)
        stage.set_clock(days * 86_400)
        await stage.line.submit(requests[1])
        await asyncio.sleep(6)  # the coordinator looks at its jobs meanwhile
        stage.set_clock(0)
        await stage.proves(*requests)

    stage.play(scenario)
