"""Python work in a worker process that can be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from shared.errors import BadSource, DeadlineExceeded, TooLarge, Transient
from shared.workers.documents import in_worker

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]


def spin() -> None:
    while True:
        pass


def refuse() -> None:
    raise BadSource("It is bad.", hint="Make it good.")


def need_memory() -> int:
    return len(bytes(20_000_000_000))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        die()
    return "done"


def is_busy(child: psutil.Process) -> bool:
    """Whether it computes; one that has ended meanwhile does not."""
    try:
        return child.cpu_percent(0.1) > 50
    except psutil.NoSuchProcess:
        return False


async def test_a_worker_is_killed_at_its_deadline() -> None:
    await in_worker("Nothing", 60, os.getpid)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="Spinning took longer"):
        await in_worker("Spinning", 1, spin)
    assert time.monotonic() - started < 10
    assert not any(is_busy(child) for child in psutil.Process().children(recursive=True))


async def test_a_worker_is_killed_when_its_task_is_cancelled() -> None:
    task = asyncio.create_task(in_worker("Spinning", 60, spin))
    done, _ = await asyncio.wait([task], timeout=3)
    assert not done
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(is_busy(child) for child in psutil.Process().children(recursive=True))


async def test_an_error_comes_back_with_its_hint() -> None:
    with pytest.raises(BadSource) as caught:
        await in_worker("Refusing", 60, refuse)
    assert (caught.value.message, caught.value.hint) == ("It is bad.", "Make it good.")


async def test_too_much_memory_is_a_document_that_is_too_large() -> None:
    with pytest.raises(TooLarge, match=r"more than 1\.0 GB"):
        await in_worker("Growing", 60, need_memory)


async def test_a_worker_that_was_killed_is_replaced_once(tmp_path: Path) -> None:
    assert await in_worker("Dying", 60, die_once, tmp_path / "mark") == "done"
    with pytest.raises(Transient, match="its process was killed"):
        await in_worker("Dying", 60, die)


async def test_ctrl_c_in_the_terminal_leaves_the_worker_in_step() -> None:
    worker = await in_worker("Nothing", 60, os.getpid)
    os.kill(worker, signal.SIGINT)
    assert await in_worker("Nothing", 60, os.getpid) == worker
