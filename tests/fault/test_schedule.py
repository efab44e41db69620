"""Faults at random over many jobs at once. PODCAST_FAULT_SEED=<n> plays a schedule again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal

import pytest

from shared.dead_letters.selection import Selection
from shared.errors import BrokerDown, Poison
from shared.protocol.messages import JobRequest
from tests.fault.cluster import LOOK_SECONDS, PROXIES, Cluster, job, unheard_text
from tests.fault.evidence import Evidence
from tests.fault.fault_injector import FaultInjector
from tests.fault.schedule import schedule
from tests.servers.proxy import BREAKS
from tests.servers.services import SERVICES

EVERY_SECONDS = 2.0
REPLAY_SECONDS = 1.0
FROZEN_SECONDS = 4.0
"""The longest time that a fault lasts: a process may freeze between its check for audio and its speech call."""


def seed() -> int:
    return int(os.environ.get("PODCAST_FAULT_SEED") or random.SystemRandom().randrange(1_000_000))


async def submit_at(cluster: Cluster, request: JobRequest, at_seconds: float) -> None:
    """Submit as a client does: repeatedly, with the same id, until the broker has accepted it."""
    await asyncio.sleep(at_seconds)
    while True:
        with contextlib.suppress(BrokerDown, OSError):
            await cluster.services.submit(request)
            return
        await asyncio.sleep(0.5)


async def replay_poison(cluster: Cluster) -> None:
    """Replay everything that was dead-lettered as poison, as an operator does who knows what killed its consumers.

    Of many faults, three may well kill a process that is handling the same message, and then that message is blamed:
    the system cannot know better. It must say so, and a replay must complete the job.
    """
    while True:
        async with cluster.operator() as operator:
            poison = [letter for letter in await operator.find(Selection()) if letter.error == Poison.__name__]
            if poison:
                print("replayed:", *poison, sep="\n")  # noqa: T201 - pytest shows it on failure
                await operator.replay(Selection(ids=frozenset(letter.id for letter in poison)))
        await asyncio.sleep(REPLAY_SECONDS)


@pytest.mark.parametrize(
    ("faults", "jobs"),
    [(8, 5), pytest.param(200, 40, marks=[pytest.mark.long, pytest.mark.timeout(2_400)])],
    ids=["8-faults", "200-faults"],
)
async def test_random_faults_lose_no_job_and_change_no_word(cluster: Cluster, faults: int, jobs: int) -> None:
    chosen = seed()
    plan = schedule(chosen, faults, every_seconds=EVERY_SECONDS)
    print(f"PODCAST_FAULT_SEED={chosen} plays this again:", *plan, sep="\n")  # noqa: T201 - pytest shows it on failure
    dice = random.Random(chosen)  # noqa: S311 - not a secret
    requests = [job(unheard_text(dice.randint(3, 10)), max_parallel=dice.randint(1, 5)) for _ in range(jobs)]
    length = faults * EVERY_SECONDS

    async with (
        cluster.running(seconds=length + 600),
        # Enough attempts, since a chunk may meet several faults.
        cluster.with_settings(*SERVICES, PODCAST_ATTEMPTS_LIMIT="6"),
    ):
        more = cluster.start("synthesizer", "coordinator", PODCAST_ATTEMPTS_LIMIT="6")
        await cluster.services.ready()
        cluster.slow_down(0.3)
        injector = FaultInjector(cluster, seed=chosen)
        evidence = Evidence(cluster)
        submissions = [submit_at(cluster, request, dice.uniform(0, 0.8) * length) for request in requests]
        await asyncio.gather(injector.carry_out(plan), *submissions)
        assert len(injector.done) == faults
        kinds = {fault.kind for fault in plan}
        if "kill" in kinds:
            assert -signal.SIGKILL in [code for _, code in evidence.exits]
        if "break_proxy" in kinds:
            assert sum(evidence.bites(proxy, mode) for proxy in PROXIES for mode in BREAKS)
        for failpoint in cluster.failpoints.iterdir():  # those whose step was never reached
            failpoint.unlink()
        operator = asyncio.create_task(replay_poison(cluster))
        for request in requests:
            await cluster.services.reaches(request.job_id, "completed", seconds=180)
        await cluster.is_quiet()
        operator.cancel()
        await asyncio.wait({operator})
        assert operator.cancelled(), operator.exception()
        await cluster.completes(*requests)
        look_seconds = LOOK_SECONDS + FROZEN_SECONDS + cluster.services.settings.store_deadline_seconds
        assert await cluster.spoken_again(*requests, look_seconds=look_seconds) == []
        await cluster.nothing_is_dead()
        cluster.dismiss(*more)
