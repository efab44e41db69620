"""Stuck processes: an event loop that is blocked, a handler that hangs, a broker without disk space."""

from __future__ import annotations

import pytest

from shared.runtime.watchdog import STALLED_EXIT_CODE
from tests.fault.cluster import Cluster, job, unheard_text
from tests.fault.evidence import Evidence
from tests.waiting import until


@pytest.mark.parametrize(
    ("service", "step"),
    [
        ("synthesizer", "after-speech"),
        pytest.param("chunker", "after-store", marks=pytest.mark.long),
        pytest.param("coordinator", "received@chunk.synthesized", marks=pytest.mark.long),
        pytest.param("assembler", "joining", marks=pytest.mark.long),
    ],
)
async def test_a_blocked_event_loop_is_noticed_and_its_process_starts_anew(
    cluster: Cluster, service: str, step: str
) -> None:
    request = job(unheard_text(6))

    async with cluster.running():
        logged, exits = len(cluster.services.log(service)), len(cluster.services.exits)
        cluster.arm(service, step, "block")
        await cluster.services.submit(request)
        await until(lambda: len(cluster.services.exits) > exits, "the watchdog ends the process", seconds=60)
        assert cluster.services.exits[-1] == (service, STALLED_EXIT_CODE)
        log = cluster.services.log(service)[logged:]
        assert "watchdog: the event loop has not turned for" in log
        stacks = log[log.index("--- stacks of process") : log.index("--- end of stacks ---")]
        assert "failpoints.py" in stacks, "the stacks show where it stood"
        assert request.job_id in stacks, "and what was in flight"
        await cluster.proves(request)


async def test_a_handler_that_hangs_is_ended_by_its_own_deadline(cluster: Cluster) -> None:
    request = job(unheard_text(4))

    async with cluster.running():
        logged = len(cluster.services.log("synthesizer"))
        cluster.arm("synthesizer", "before-speech", "hang")
        await cluster.services.submit(request)
        await until(lambda: cluster.was_hit("synthesizer", "before-speech"), "a handler hangs", seconds=60)
        await cluster.completes(request)  # the reconciler requests the missing chunk again
        await until(
            lambda: (
                "synthesizer handling chunk.requested took longer than" in cluster.services.log("synthesizer")[logged:]
            ),
            "the deadline",
            seconds=60,
        )
        await cluster.proves(request)


async def test_the_brokers_disk_is_full_and_is_given_room(cluster: Cluster) -> None:
    requests = [job(unheard_text(8)) for _ in range(2)]

    async with cluster.running():
        await cluster.synthesizes(*requests, call_seconds=0.4)
        evidence = Evidence(cluster)
        cluster.limit_brokers_disk(full=True)
        try:
            await until(
                lambda: "disk" in cluster.broker.evaluate("rabbit_alarm:get_alarms()."), "the alarm", seconds=30
            )
            await evidence.logged("publish ", "took longer than 3 s")
        finally:
            cluster.limit_brokers_disk(full=False)
        await cluster.proves(*requests)
