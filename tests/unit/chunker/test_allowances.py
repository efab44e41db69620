"""How much CPU time and memory a parser may use, and what happens when they are used up."""

from __future__ import annotations

import ctypes
import os
import time

import psutil
import pytest

from services.chunker import allowances
from services.chunker.documents import pandoc
from shared.errors import BadSource, DeadlineExceeded, TooLarge
from shared.workers.allowances import MEGABYTE, of_worker
from shared.workers.documents import in_worker
from tests.unit.chunker.test_workers import spin

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.workers.allowances.BASE_CPU_SECONDS", 2)


def sleep_long() -> None:
    time.sleep(60)


def crash() -> None:
    ctypes.string_at(0)


def environment() -> dict[str, str]:
    return dict(os.environ)


def recurse() -> None:
    recurse()


@pytest.mark.usefixtures("small")
async def test_cpu_time_that_is_used_up_is_permanent_and_the_next_call_begins_anew() -> None:
    with pytest.raises(TooLarge, match="Spinning took more than 2 s of CPU time"):
        await in_worker("Spinning", 60, spin)
    assert await in_worker("Nothing", 60, os.getpid) != os.getpid()


@pytest.mark.usefixtures("small")
async def test_time_by_the_clock_is_no_fault_of_the_document() -> None:
    with pytest.raises(DeadlineExceeded):
        await in_worker("Waiting", 4, sleep_long)


@pytest.mark.usefixtures("small")
async def test_many_short_calls_of_one_worker_do_not_add_up() -> None:
    workers = {await in_worker("Working", 60, work_half_a_second) for _ in range(6)}
    assert len(workers) == 1


def work_half_a_second() -> int:
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
    return os.getpid()


async def test_a_document_that_crashes_its_parser_is_a_bad_source() -> None:
    with pytest.raises(BadSource, match="crashes the parser"):
        await in_worker("Crashing", 60, crash)


async def test_a_document_that_is_nested_without_end_is_a_bad_source() -> None:
    with pytest.raises(BadSource, match="nested too deeply"):
        await in_worker("Descending", 60, recurse)


async def test_a_parser_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODCAST_STORE_URL", "s3://KEY:SECRET@host/bucket")
    monkeypatch.setenv("A_NEW_WORKER", "1")
    for child in psutil.Process().children():
        child.kill()
    found = await in_worker("Looking", 60, environment)
    assert found["A_NEW_WORKER"] == "1", "a worker that was started after the secret was set"
    assert not [name for name in found if name.startswith("PODCAST_")]


@pytest.mark.usefixtures("small")
async def test_pandoc_is_ended_by_its_cpu_time() -> None:
    with pytest.raises(TooLarge, match="CPU time"):
        await pandoc.tree_of(b"a_" * 50_000, "markdown", size_bytes=1_000, deadline_seconds=60)


@pytest.mark.parametrize("megabytes", [0, 1, 5, 20])
def test_what_grows_with_the_document_has_an_end(megabytes: int) -> None:
    size = megabytes * MEGABYTE
    assert allowances.of_pandoc(size).memory_bytes <= 1_500_000_000
    assert of_worker(size).memory_bytes <= 4_000_000_000
    assert allowances.pandoc_output_bytes(size) <= 150_000_000
    assert allowances.archive_size(10_000, size) <= 200_000
