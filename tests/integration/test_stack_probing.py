"""A frozen process is noticed: the supervisor kills and restarts it, and `podcast ps` shows the true state.

Broker, port mapper and MinIO are real; stand-ins that only answer `/healthz` replace the services.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local import LocalStack, StackPlan, read_state
from deploy.local.probing import FAILURES_LIMIT
from tests.integration.test_stack import PATIENCE_SECONDS, alive, connects, family, plan, podcast
from tests.waiting import until

PROBE_SECONDS = 1.0
STOPPED_SECONDS = 2 * FAILURES_LIMIT * PROBE_SECONDS
"""Longer than any process may be silent."""


def quick(**changes: object) -> StackPlan:
    """A stack that probes often."""
    return plan(env={**plan().env, "PODCAST_PROBE_SECONDS": str(PROBE_SECONDS)}, **changes)


def processes(stack: LocalStack) -> dict[str, int]:
    """Service → one of its process ids."""
    return {process.service: process.pid for process in stack.state.processes if process.pid}


def restarts(stack: LocalStack) -> int:
    return sum(process.restarts for process in stack.state.processes)


async def all_run(stack: LocalStack) -> None:
    await until(
        lambda: all(process.state in {"running", None} for process in stack.state.processes),
        "every process answers",
        seconds=PATIENCE_SECONDS,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A stack's folder; processes that a failed test has left there are killed."""
    directory = tmp_path / "stack"
    yield directory
    if (state := read_state(directory)) is not None:
        os.kill(state.pid, signal.SIGKILL)


async def test_a_frozen_process_is_ended_and_started_again(folder: Path, minio_binary: Path) -> None:
    del minio_binary  # it has been built
    async with LocalStack(dir=folder, plan=quick(store="minio")) as stack:
        for service in ("epmd", "broker", "store", "speech", "chunker"):
            victim, before = processes(stack)[service], restarts(stack)
            os.kill(victim, signal.SIGSTOP)
            await until(lambda pid=victim: alive({pid}) == set(), f"{service} is ended", seconds=PATIENCE_SECONDS)  # type: ignore[misc] # mypy cannot infer a lambda with a default
            await all_run(stack)
            assert processes(stack)[service] != victim
            assert restarts(stack) == before + 1, "and nothing else was ended"
            log = (folder / "logs" / "stack.log").read_text()
            assert f"{service} (process {victim}) does not answer" in log
        await connects(stack.amqp_url)


async def test_a_stack_whose_processes_are_all_stopped_heals(folder: Path) -> None:
    async with LocalStack(dir=folder, plan=quick()) as stack:
        victims = {process.pid for process in stack.state.processes if process.pid}
        for pid in victims:
            os.kill(pid, signal.SIGSTOP)
        await until(lambda: alive(victims) == set(), "all are ended", seconds=PATIENCE_SECONDS)
        await all_run(stack)
        await connects(stack.amqp_url)


async def test_while_the_supervisor_is_stopped_nothing_counts_as_silence(folder: Path) -> None:
    async with LocalStack(dir=folder, plan=quick()) as stack:
        before = stack.state.processes
        os.kill(stack.state.pid, signal.SIGSTOP)
        await asyncio.sleep(STOPPED_SECONDS)
        os.kill(stack.state.pid, signal.SIGCONT)
        # A stopped process is found, so the supervisor probes again; it has killed no other process.
        victim = processes(stack)["chunker"]
        os.kill(victim, signal.SIGSTOP)
        await until(lambda: alive({victim}) == set(), "the stopped process is ended", seconds=PATIENCE_SECONDS)
        await all_run(stack)
        others = [process.pid for process in before if process.service != "chunker"]
        assert [process.pid for process in stack.state.processes if process.service != "chunker"] == others


async def test_probing_leaves_no_trace_in_the_brokers_log(folder: Path) -> None:
    async with LocalStack(dir=folder, plan=quick()) as stack:
        await asyncio.sleep(STOPPED_SECONDS)
        assert restarts(stack) == 0
        assert "closing AMQP connection" not in (folder / "logs" / "broker.log").read_text()


async def test_stopped_processes_are_stopped_in_good_order(folder: Path) -> None:
    """SIGTERM reaches a stopped process: it is resumed first, and need not be killed after its grace period."""
    async with LocalStack(dir=folder, plan=plan()) as stack:
        everyone = family(stack.state.pid)
        for process in stack.state.processes:
            if process.pid:
                os.kill(process.pid, signal.SIGSTOP)
        os.kill(stack.state.pid, signal.SIGSTOP)
        async with asyncio.timeout(30):
            await asyncio.to_thread(podcast, "down", folder=folder)
        assert alive(everyone) == set()


async def test_ps_tells_what_is_stopped_and_what_was_restarted(folder: Path) -> None:
    patient = plan()  # nothing is killed during this test
    async with LocalStack(dir=folder, plan=patient) as stack:
        dead = processes(stack)["chunker"]
        os.kill(dead, signal.SIGKILL)
        await until(lambda: processes(stack).get("chunker", dead) != dead, "the chunker is replaced")
        await all_run(stack)
        stopped = [processes(stack)[service] for service in ("assembler", "broker", "speech")]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        await until(lambda: all(psutil.Process(pid).status() == psutil.STATUS_STOPPED for pid in stopped), "stopped")
        try:
            listed = await asyncio.to_thread(podcast, "ps", "--json", folder=folder)
            rows = {row["service"]: row for row in json.loads(listed.stdout)}
            for service in ("assembler", "broker", "speech"):
                assert rows[service]["state"] == "stopped"
                assert rows[service]["health"] == "not ready: no answer within 2 s"
            assert (rows["chunker"]["state"], rows["chunker"]["restarts"]) == ("running", 1)
            assert rows["chunker"]["health"] == "ready"
            assert rows["coordinator"]["restarts"] == 0
            assert rows["store"]["health"] == "ready"

            shown = await asyncio.to_thread(podcast, "ps", folder=folder)
            table, _, wrong = shown.stdout.partition("\n\n")
            assert all(len(line) <= 80 for line in table.splitlines())
            assert f"assembler (process {stopped[0]}) is not ready: no answer within 2 s" in wrong
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)


async def test_ps_says_that_the_supervisor_is_stopped_or_dead(folder: Path) -> None:
    async with LocalStack(dir=folder, plan=plan()) as stack:
        supervisor = stack.state.pid
        os.kill(supervisor, signal.SIGSTOP)
        await until(lambda: psutil.Process(supervisor).status() == psutil.STATUS_STOPPED, "it is stopped")
        said = await asyncio.to_thread(podcast, "ps", folder=folder)
        assert f"The supervisor (process {supervisor}) is stopped" in said.stderr
        os.kill(supervisor, signal.SIGKILL)
        await until(lambda: alive({supervisor}) == set(), "it is dead")
    said = await asyncio.to_thread(podcast, "ps", folder=folder)
    assert f"(process {supervisor}) is dead" in said.stderr
    assert said.stdout == ""
