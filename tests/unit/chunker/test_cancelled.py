"""A job that is cancelled while its document is read: the parser ends, and nothing is announced."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from shared.errors import NotFound
from shared.protocol.messages import JobRequest, JobState, JobStatus, ObjectSource
from shared.store import keys
from tests.corpus import documents as corpus
from tests.unit.chunker.test_handlers import Harness
from tests.waiting import until

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_loop")]

SLOW = corpus.MARKDOWN["underscores between letters"]().encode()
"""pandoc works on it until its CPU time is used up, which takes 12 s."""


def parsers() -> list[psutil.Process]:
    """The pandoc processes below this one."""
    return [child for child in psutil.Process().children() if "pandoc" in child.name()]


async def a_slow_job(harness: Harness) -> tuple[JobRequest, asyncio.Task[object]]:
    """A job whose document is being parsed."""
    key = keys.source("slow", "a.md")
    await harness.store.put(key, SLOW)
    job = JobRequest(job_id="slow", source=ObjectSource(key=key))
    reading = asyncio.create_task(harness.chunk(job))
    await until(parsers, "pandoc runs")
    return job, reading


async def now(harness: Harness, job: JobRequest, state: JobState) -> None:
    status = JobStatus(job_id=job.job_id, state=state, submitted_at=1, updated_at=1)
    await harness.store.put(keys.status(job.job_id), status.model_dump_json().encode())


async def test_cancelling_a_job_ends_its_parse(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    job, reading = await a_slow_job(harness)
    [parser] = parsers()
    await now(harness, job, "cancelled")
    with pytest.raises(NotFound):  # the handler has returned, and there is no manifest to look at
        await asyncio.wait_for(reading, 8)
    assert not parser.is_running()
    assert harness.published == []


@pytest.mark.parametrize("content", [b"", b"\xff{", b'{"state": "cancelled"}'])
async def test_a_status_that_cannot_be_read_cancels_nothing(tmp_path: Path, content: bytes) -> None:
    harness = Harness(tmp_path)
    job, reading = await a_slow_job(harness)
    await harness.store.put(keys.status(job.job_id), content)
    done, _ = await asyncio.wait([reading], timeout=2.5)
    assert not done
    reading.cancel()


async def test_a_job_that_failed_may_be_replayed_so_its_parse_goes_on(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    job, reading = await a_slow_job(harness)
    await now(harness, job, "failed")
    done, _ = await asyncio.wait([reading], timeout=2.5)
    assert not done
    reading.cancel()
