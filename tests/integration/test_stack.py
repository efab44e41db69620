"""The local stack: everything comes up, stays up, and leaves nothing behind.

The broker is real; stand-ins that only answer `/healthz` replace the services, so that these tests cover only what
keeps them running.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import psutil
import pytest

from deploy.local import LocalStack, StackPlan, is_running, read_state
from deploy.local.handshake import plan_input
from deploy.local.state import STATE_FILE
from shared.errors import Misconfigured, Outage
from shared.settings import Settings
from shared.store.port import open_store
from tests.waiting import until

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
STAND_IN = "tests.servers.stand_in"
PATIENCE_SECONDS = 60.0
SERVICES = ["assembler", "broker", "chunker", "coordinator", "epmd", "speech", "store", "synthesizer", "synthesizer"]


def plan(**changes: object) -> StackPlan:
    values: dict[str, object] = {
        "modules": dict.fromkeys(("chunker", "coordinator", "synthesizer", "assembler"), STAND_IN),
        "speech_module": STAND_IN,
        "synthesizers": 2,
    }
    env = {"PYTHONPATH": str(ROOT), "PODCAST_GRACE_SECONDS": "1"}
    return StackPlan.model_validate({**values, "env": env, **changes})


def family(pid: int) -> set[int]:
    """A process and all its descendants."""
    process = psutil.Process(pid)
    return {process.pid, *(child.pid for child in process.children(recursive=True))}


def alive(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end between two looks
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.add(pid)
    return found


def is_replaced(stack: LocalStack, service: str, victim: int) -> bool:
    started = stack.pids(service)
    return victim not in started and len(started) == SERVICES.count(service)


async def connects(url: str) -> None:
    await (await aio_pika.connect(url, timeout=10)).close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A stack's folder; processes that a failed test has left there are killed."""
    directory = tmp_path / "stack"
    yield directory
    if (state := read_state(directory)) is not None:
        os.kill(state.pid, signal.SIGKILL)


async def test_a_stack_comes_up_whole_and_leaves_nothing(folder: Path) -> None:
    async with LocalStack(dir=folder, plan=plan(env={**plan().env, "STAND_IN_CHILD": "1"})) as stack:
        assert sorted(process.service for process in stack.state.processes) == SERVICES
        await connects(stack.amqp_url)
        assert stack.store_url.startswith("file://")
        everyone = family(stack.state.pid)
        assert len(everyone) >= len(SERVICES) + 6  # the supervisor, and a child of each stand-in
    assert alive(everyone) == set()
    assert not is_running(folder)
    assert not (folder / STATE_FILE).exists()


async def test_what_dies_is_started_again_on_the_same_data_and_ports(folder: Path) -> None:
    async with LocalStack(dir=folder, plan=plan()) as stack:
        before = stack.state
        async with await aio_pika.connect(stack.amqp_url) as connection:
            channel = await connection.channel()
            await channel.declare_queue("letters", durable=True)
            letter = aio_pika.Message(b"dear reader", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(letter, "letters", timeout=10)

        for service in ("broker", "synthesizer", "speech", "epmd"):
            (victim, *_) = stack.pids(service)
            os.kill(victim, signal.SIGKILL)
            await until(
                functools.partial(is_replaced, stack, service, victim),
                f"{service} is replaced",
                seconds=PATIENCE_SECONDS,
            )

        assert stack.amqp_url == before.amqp_url
        assert stack.speech_url == before.speech_url

        async def read() -> bytes:
            async with await aio_pika.connect_robust(stack.amqp_url, fail_fast=False, reconnect_interval=0.2) as again:
                queue = await (await again.channel()).get_queue("letters")
                letter = await queue.get(timeout=10)
                assert letter is not None
                await letter.ack()
                return letter.body

        assert await asyncio.wait_for(read(), PATIENCE_SECONDS) == b"dear reader"


async def test_everything_dies_with_a_killed_supervisor_and_the_next_one_carries_on(folder: Path) -> None:
    child = {**plan().env, "STAND_IN_CHILD": "1"}
    async with LocalStack(dir=folder, plan=plan(env=child)) as stack:
        first = stack.state
        direct = {process.pid for process in first.processes if process.pid}
        everyone = family(first.pid)
        os.kill(first.pid, signal.SIGKILL)
        await until(lambda: alive(direct) == set(), "all have ended", seconds=PATIENCE_SECONDS)
    assert (folder / STATE_FILE).exists(), "what a crash leaves"
    assert read_state(folder) is None, "and is not believed"

    async with LocalStack(dir=folder, plan=plan()) as stack:
        assert alive(everyone) == set(), "grandchildren that were late are ended by the next supervisor"
        assert stack.amqp_url == first.amqp_url
        assert stack.speech_url == first.speech_url
        await connects(stack.amqp_url)


async def test_the_stack_ends_with_the_process_that_asked_for_it(folder: Path) -> None:
    """A killed `podcast render` does not leave a broker behind."""
    script = (
        "import asyncio, pathlib, sys\n"
        "from deploy.local import LocalStack, StackPlan\n"
        "async def main():\n"
        "    plan = StackPlan.model_validate_json(sys.argv[2])\n"
        "    async with LocalStack(dir=pathlib.Path(sys.argv[1]), plan=plan):\n"
        "        await asyncio.sleep(1000)\n"
        "asyncio.run(main())\n"
    )
    client = subprocess.Popen((sys.executable, "-c", script, str(folder), plan().model_dump_json()))  # noqa: ASYNC220
    try:
        await until(
            lambda: (state := read_state(folder)) and state.state == "ready",
            "the stack is ready",
            seconds=PATIENCE_SECONDS,
        )
        state = read_state(folder)
        assert state is not None
        everyone = family(state.pid)
        client.kill()
        await until(lambda: alive(everyone) == set(), "all have ended", seconds=PATIENCE_SECONDS)
    finally:
        client.kill()
        client.wait(timeout=10)


async def test_two_stacks_in_two_folders_do_not_disturb_each_other(folder: Path, tmp_path: Path) -> None:
    async with LocalStack(dir=folder, plan=plan()) as one:
        with pytest.raises(Misconfigured, match="running"):
            async with LocalStack(dir=folder, plan=plan()):
                pass
        async with LocalStack(dir=tmp_path / "other", plan=plan()) as other:
            mine = {process.port for process in one.state.processes if process.port}
            assert mine.isdisjoint(process.port for process in other.state.processes)
            await connects(other.amqp_url)
        await connects(one.amqp_url)


async def test_a_service_that_cannot_start_is_named_with_its_last_words(folder: Path) -> None:
    with pytest.raises(Outage, match=r"(?s)did not start.*exit code 2.*no, I will not"):
        async with LocalStack(dir=folder, plan=plan(env={**plan().env, "STAND_IN_EXIT": "2"})):
            pass
    assert not is_running(folder)


async def test_a_port_that_a_stranger_takes_first_is_not_the_end(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "stranger"
    try:
        async with LocalStack(dir=folder, plan=plan(env={**plan().env, "STAND_IN_SQUATTER": str(marker)})) as stack:
            assert marker.read_text(), "the stranger was there"
            log = (folder / "logs" / "stack.log").read_text()
            assert "another process took a port; trying again with others" in log
            assert len(stack.pids("speech")) == 1
    finally:
        os.kill(int(marker.read_text()), signal.SIGKILL)


async def test_services_are_told_where_everything_is_whatever_the_environment_says(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3://key:secret@elsewhere/bucket")
    monkeypatch.setenv("PODCAST_AMQP_URL", "amqp://elsewhere/")
    monkeypatch.setenv("PODCAST_STORE_URL_FILE", str(secret))
    monkeypatch.setenv("PODCAST_CHUNK_LIMIT_CHARACTERS", "123")
    async with LocalStack(dir=folder, plan=plan()) as stack:
        told = json.loads((folder / "logs" / "chunker.log").read_text().splitlines()[0])
        assert told["PODCAST_AMQP_URL"] == stack.amqp_url
        assert told["PODCAST_STORE_URL"] == stack.store_url
        assert told["PODCAST_SPEECH_URL"] == stack.speech_url
        assert told["PODCAST_SPEECH_ENGINE"] == "podcast-speech/piper"
        assert told["PODCAST_CHUNK_LIMIT_CHARACTERS"] == "123"
        assert "PODCAST_STORE_URL_FILE" not in told
        assert told["PODCAST_FETCH_ALLOW"] == "127.0.0.0/8,::1", "pages on this machine are its owner's"

    monkeypatch.setenv("PODCAST_FETCH_ALLOW", "10.0.0.0/8")
    async with LocalStack(dir=folder, plan=plan()):
        told = json.loads((folder / "logs" / "chunker.log").read_text().splitlines()[-1])
        assert told["PODCAST_FETCH_ALLOW"] == "10.0.0.0/8"


async def test_with_minio_the_store_is_a_server_that_comes_back_with_its_data(folder: Path, minio_binary: Path) -> None:
    del minio_binary  # it has been built
    async with LocalStack(dir=folder, plan=plan(store="minio")) as stack:
        store = open_store(Settings(store_url=stack.store_url))
        await store.ping()
        await store.put("a", b"words")
        (victim,) = stack.pids("store")
        os.kill(victim, signal.SIGKILL)
        await until(
            lambda: stack.pids("store") not in ([], [victim]), "the store is replaced", seconds=PATIENCE_SECONDS
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    assert await store.get("a") == b"words"
                    break
                except Outage:
                    await asyncio.sleep(0.1)


def podcast(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "services.cli.app", *arguments, "--dir", str(folder)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_nothing_running_is_said_plainly(folder: Path) -> None:
    listed = podcast("ps", "--json", folder=folder)
    assert (listed.returncode, json.loads(listed.stdout)) == (0, [])
    downed = podcast("down", folder=folder)
    assert downed.returncode == 0
    assert "No stack is running" in downed.stderr


def test_a_second_signal_does_not_wait(folder: Path) -> None:
    """The first Ctrl-C lets services finish; the second one ends them."""
    stubborn = plan(env={**plan().env, "STAND_IN_STUBBORN": "1", "PODCAST_GRACE_SECONDS": "1000"})
    with plan_input(stubborn) as given:
        supervisor = subprocess.Popen(
            (sys.executable, "-m", "deploy.local.supervise", "--dir", str(folder)), stdin=given
        )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ((state := read_state(folder)) and state.state == "ready"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        everyone = family(supervisor.pid)
        supervisor.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            supervisor.wait(timeout=2)
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(timeout=PATIENCE_SECONDS) == 0
        assert alive(everyone) == set()
    finally:
        supervisor.kill()
        supervisor.wait(timeout=10)
