"""Two coordinators: only one is active at a time, and the memory of the other must not be trusted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator

import psutil
import pytest
from aio_pika.abc import AbstractIncomingMessage

from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.runtime.broker import connected
from shared.store import keys
from tests.fault.cluster import Cluster, job, unheard_text
from tests.fault.evidence import Evidence
from tests.waiting import until

RESUMED_SECONDS = 4.0
"""Enough for a coordinator that was frozen to finish whatever it was about to do."""
TICKS_SECONDS = 5.0
"""In this time the coordinator checks its jobs at least twice."""


HALF_A_DAY_SECONDS = 43_200


@contextlib.asynccontextmanager
async def overheard(cluster: Cluster) -> AsyncIterator[list[AbstractIncomingMessage]]:
    """What is published while the body runs."""
    messages: list[AbstractIncomingMessage] = []

    async def take(message: AbstractIncomingMessage) -> None:
        messages.append(message)

    async with connected(cluster.services.settings) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        await queue.bind(topology.EXCHANGE, "#")
        await queue.consume(take, no_ack=True)
        yield messages


def published_at(message: AbstractIncomingMessage) -> float:
    """The time by its publisher's clock."""
    assert message.timestamp is not None
    return message.timestamp.timestamp()


async def knows_more_than_it_wrote(cluster: Cluster, job_id: str) -> bool:
    """Whether more chunks of a job are finished than its status says."""
    manifest = Manifest.model_validate_json(await cluster.services.store.get(keys.manifest(job_id)))
    finished = [await cluster.services.store.exists(chunk.audio_key) for chunk in manifest.chunks]
    status = await cluster.services.status(job_id)
    return status is not None and sum(finished) > status.chunks.done


async def spoken_chunks(cluster: Cluster, job_id: str, count: int) -> None:
    """Wait until `count` chunks of a job are done."""

    async def are_spoken() -> bool:
        status = await cluster.services.status(job_id)
        return status is not None and status.chunks.done >= count

    await until(are_spoken, f"{count} chunks are spoken", seconds=60)


async def test_a_coordinator_that_was_frozen_does_not_undo_what_the_other_did(cluster: Cluster) -> None:
    request = job(unheard_text(40))  # several seconds of work, so that it is still under way when it is looked at

    async with cluster.running():
        frozen = cluster.the("coordinator")
        (other,) = cluster.start("coordinator")
        await cluster.services.ready()
        cluster.slow_down(0.6)
        await cluster.services.submit(request)
        await spoken_chunks(cluster, request.job_id, 2)
        await until(lambda: knows_more_than_it_wrote(cluster, request.job_id), "a chunk that no status tells of")
        cluster.services.strike(frozen, signal.SIGSTOP)
        evidence = Evidence(cluster)
        cluster.proxies["broker"].cut_now()  # so that the broker notices immediately
        await cluster.completes(request)
        assert psutil.Process(frozen.process.pid).status() == psutil.STATUS_STOPPED, "the other did it alone"
        cluster.services.strike(frozen, signal.SIGCONT)
        await evidence.logged("the event loop", services=["coordinator"])  # it notices how late it is
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
        cluster.slow_down(0.6)
        await cluster.services.submit(request)
        await spoken_chunks(cluster, request.job_id, 3)
        cluster.services.strike(first, signal.SIGSTOP)
        cluster.proxies["broker"].cut_now()
        await spoken_chunks(cluster, request.job_id, 10)
        assert psutil.Process(first.process.pid).status() == psutil.STATUS_STOPPED, "the second is active"
        evidence = Evidence(cluster)
        cluster.services.strike(first, signal.SIGCONT)
        await evidence.logged("the event loop", services=["coordinator"])  # it notices how late it is
        await cluster.services.ready()
        logged = len(cluster.services.log("coordinator"))
        cluster.dismiss(second)  # a clean stop: its messages in flight go back to the queue
        await cluster.proves(request)
        assert "standing still" not in cluster.services.log("coordinator")[logged:], "the job waited for the reconciler"


@pytest.mark.parametrize("days", [2, pytest.param(-2, marks=pytest.mark.long)])
async def test_a_clock_that_jumps_ends_no_job_and_delays_none(cluster: Cluster, days: int) -> None:
    requests = [job(unheard_text(12)) for _ in range(2)]

    async with cluster.running(), overheard(cluster) as messages:
        cluster.slow_down(1.5)
        await cluster.services.submit(requests[0])
        await spoken_chunks(cluster, requests[0].job_id, 1)
        cluster.set_clock(days * 86_400)
        await cluster.services.submit(requests[1])
        await until(
            lambda: any(abs(published_at(message) - time.time()) > HALF_A_DAY_SECONDS for message in messages),
            "a service goes by the wrong clock",
        )
        await asyncio.sleep(TICKS_SECONDS)
        cluster.set_clock(0)
        await cluster.proves(*requests)
