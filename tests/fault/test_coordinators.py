"""Two coordinators: one at a time is active, and what the other remembers must not be believed."""

from __future__ import annotations

import asyncio
import signal

import pytest

from shared.protocol.messages import JobStatus
from tests.fault.cluster import Cluster, job, unheard_text

RESUMED_SECONDS = 4.0
"""Enough for a coordinator that was frozen to do whatever it was about to do."""


async def spoken_chunks(cluster: Cluster, job_id: str, count: int) -> JobStatus:
    """Wait until so many chunks of a job are done."""
    for _ in range(600):
        status = await cluster.services.status(job_id)
        if status is not None and status.chunks.done >= count:
            return status
        await asyncio.sleep(0.1)
    raise AssertionError(f"never {count} chunks")


async def test_a_coordinator_that_was_frozen_does_not_undo_what_the_other_did(cluster: Cluster) -> None:
    request = job(unheard_text(12))

    async with cluster.running():
        frozen = cluster.the("coordinator")
        (other,) = cluster.start("coordinator")
        await cluster.services.ready()
        for voice in cluster.voices:
            voice.delay(0.4)
        await cluster.services.submit(request)
        await spoken_chunks(cluster, request.job_id, 2)
        await asyncio.sleep(0.5)  # until it has news that it has not written yet
        cluster.services.strike(frozen, signal.SIGSTOP)
        cluster.proxies["broker"].cut_now()  # so that the broker learns of it at once
        await cluster.completes(request)
        cluster.services.strike(frozen, signal.SIGCONT)
        await asyncio.sleep(RESUMED_SECONDS)
        await cluster.proves(request)
        status = await cluster.services.status(request.job_id)
        assert status is not None
        assert status.state == "completed"
        await cluster.services.leaves_active(request.job_id)
        cluster.dismiss(other)


async def test_a_coordinator_that_becomes_active_again_does_not_believe_its_old_memory(cluster: Cluster) -> None:
    request = job(unheard_text(20))

    async with cluster.running():
        first = cluster.the("coordinator")
        (second,) = cluster.start("coordinator")
        await cluster.services.ready()
        for voice in cluster.voices:
            voice.delay(0.6)
        await cluster.services.submit(request)
        await spoken_chunks(cluster, request.job_id, 3)
        cluster.services.strike(first, signal.SIGSTOP)
        cluster.proxies["broker"].cut_now()
        await spoken_chunks(cluster, request.job_id, 10)
        cluster.services.strike(first, signal.SIGCONT)
        await asyncio.sleep(2)
        logged = len(cluster.services.log("coordinator"))
        cluster.dismiss(second)  # a clean stop: what it had in hand is handed back
        await cluster.proves(request)
        assert "standing still" not in cluster.services.log("coordinator")[logged:], "the job waited for the reconciler"


@pytest.mark.parametrize("days", [2, pytest.param(-2, marks=pytest.mark.long)])
async def test_a_clock_that_jumps_ends_no_job_and_delays_none(cluster: Cluster, days: int) -> None:
    requests = [job(unheard_text(12)) for _ in range(2)]

    async with cluster.running():
        for voice in cluster.voices:
            voice.delay(1.5)
        await cluster.services.submit(requests[0])
        await spoken_chunks(cluster, requests[0].job_id, 1)
        cluster.set_clock(days * 86_400)
        await cluster.services.submit(requests[1])
        await asyncio.sleep(6)  # the coordinator looks at its jobs meanwhile
        cluster.set_clock(0)
        await cluster.proves(*requests)
