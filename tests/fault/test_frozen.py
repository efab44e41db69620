"""Processes that freeze and are never resumed, at random over many jobs: the stack's own supervisor replaces them.

Everything runs under the supervisor of `podcast up`, including broker, port mapper and MinIO; only the speech server
belongs to the test.
PODCAST_FAULT_SEED=<n> plays a schedule again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy.local import LocalStack, StackPlan
from shared.errors import BrokerDown, StoreDown
from shared.protocol.messages import JobRequest, TextSource
from tests.fault.cluster import SHORT_DEADLINES, job, said, unheard_text
from tests.fault.test_schedule import seed
from tests.servers.services import Services
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("minio_binary")

EVERY_SECONDS = 6.0
PROBE_SECONDS = 1.0
"""A stopped process is killed after five seconds instead of 25."""
HEALING_SECONDS = 120.0
"""From a SIGSTOP until a replacement answers; a broker on a busy machine takes the longest."""
JOBS_SECONDS = 240.0
SPEECH_DELAY_SECONDS = 0.3

WEIGHTS = {"broker": 1, "epmd": 1, "store": 1, "chunker": 1, "coordinator": 2, "synthesizer": 2, "assembler": 2}
"""Which processes freeze, and their relative frequencies."""

SETTINGS = {
    **SHORT_DEADLINES,
    "PODCAST_ATTEMPTS_LIMIT": "6",  # a chunk may meet several faults
    "PODCAST_PROBE_SECONDS": str(PROBE_SECONDS),
}


@dataclass(frozen=True)
class Freeze:
    """A process of this service is stopped this long after the start."""

    at_seconds: float
    service: str

    def __str__(self) -> str:
        return f"{self.at_seconds:7.1f} s  SIGSTOP {self.service}"


def schedule(chosen: int, count: int) -> list[Freeze]:
    """`count` stops, one every few seconds on average. The same seed gives the same list."""
    dice = random.Random(chosen)  # noqa: S311 - not a secret
    moments = sorted(dice.uniform(0, count * EVERY_SECONDS) for _ in range(count))
    services = dice.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    return [Freeze(moment, service) for moment, service in zip(moments, services, strict=True)]


class Freezer:
    """Stops processes of a stack, and checks that each is replaced.

    Attributes:
        stopped: process id → its service.
    """

    def __init__(self, stack: LocalStack) -> None:
        self.stopped: dict[int, str] = {}
        self._stack = stack

    def _running(self, service: str) -> list[int]:
        """The processes of a service that answer, as far as the supervisor knows."""
        return [
            process.pid
            for process in self._stack.state.processes
            if process.pid and process.pid not in self.stopped
            if process.service == service and process.state == "running"
        ]

    async def carry_out(self, freeze: Freeze) -> None:
        """Stop a process, and wait until another one answers in its place."""
        await asyncio.sleep(freeze.at_seconds)
        service = freeze.service
        await until(lambda: self._running(service), f"a {service} runs", seconds=HEALING_SECONDS)
        (victim, *_) = self._running(service)
        self.stopped[victim] = service
        os.kill(victim, signal.SIGSTOP)
        await until(lambda: not psutil.pid_exists(victim), f"{service} is ended", seconds=HEALING_SECONDS)
        await until(lambda: self._running(service), f"{service} is replaced", seconds=HEALING_SECONDS)


async def submit(services: Services, request: JobRequest, at_seconds: float) -> None:
    """Submit as a client does: repeatedly, with the same id, until the broker has accepted it."""
    await asyncio.sleep(at_seconds)
    while True:
        with contextlib.suppress(BrokerDown, OSError, TimeoutError):
            async with asyncio.timeout(10):
                return await services.submit(request)
        await asyncio.sleep(0.5)


async def completes(services: Services, request: JobRequest, directory: Path) -> None:
    """Wait for a job, and check that its episode has every word of its text, once and in order."""

    async def has_ended() -> bool:
        with contextlib.suppress(StoreDown):
            status = await services.status(request.job_id)
            return status is not None and status.state in {"completed", "failed"}
        return False

    await until(has_ended, f"job {request.job_id} ends", seconds=JOBS_SECONDS)
    status = await services.status(request.job_id)
    assert status is not None
    assert status.state == "completed", status.error
    written, heard = await services.spoken(request, directory)
    assert heard == written
    assert isinstance(request.source, TextSource)
    assert " ".join(heard).split() == said(request.source)


@pytest.mark.parametrize(
    ("stops", "jobs"),
    [(6, 3), pytest.param(40, 10, marks=[pytest.mark.long, pytest.mark.timeout(1_500)])],
    ids=["6-stops", "40-stops"],
)
async def test_processes_that_freeze_are_replaced_and_no_job_is_lost(tmp_path: Path, stops: int, jobs: int) -> None:
    chosen = seed()
    plan = schedule(chosen, stops)
    print(f"PODCAST_FAULT_SEED={chosen} plays this again:", *plan, sep="\n")  # noqa: T201 - pytest shows it on failure
    dice = random.Random(chosen)  # noqa: S311 - not a secret
    requests = [job(unheard_text(dice.randint(3, 10)), max_parallel=dice.randint(1, 5)) for _ in range(jobs)]
    length = stops * EVERY_SECONDS

    with ToneSpeech(delay_seconds=SPEECH_DELAY_SECONDS) as speech:
        stack_plan = StackPlan(store="minio", synthesizers=2, speech_url=speech.url, env=SETTINGS)
        async with LocalStack(dir=tmp_path / "stack", plan=stack_plan) as stack:
            addresses = {"PODCAST_AMQP_URL": stack.amqp_url, "PODCAST_STORE_URL": stack.store_url}
            services = Services({**SETTINGS, **addresses}, tmp_path / "client")
            freezer = Freezer(stack)
            await asyncio.gather(
                *(freezer.carry_out(freeze) for freeze in plan),
                *(submit(services, request, dice.uniform(0, 0.8) * length) for request in requests),
            )
            for request in requests:
                await completes(services, request, tmp_path)
            assert await services.dead_letters() == {}

            # Each fault took effect: the process did not answer, and so it was replaced.
            log = (stack.directory / "logs" / "stack.log").read_text()
            assert len(freezer.stopped) == stops
            for pid, service in freezer.stopped.items():
                assert f"{service} (process {pid}) does not answer" in log
            assert sum(process.restarts for process in stack.state.processes) >= stops
