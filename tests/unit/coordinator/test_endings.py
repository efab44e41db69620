"""A job's end is a durable event: confirmed before the job leaves `active/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import BrokerDown
from shared.protocol import envelope
from shared.protocol.messages import JobCancelled, JobCompleted, JobFailed
from shared.store import keys
from tests.unit.coordinator.harness import Harness


async def test_a_completed_job_is_announced_with_what_it_made(harness: Harness) -> None:
    await harness.submit("a")
    await harness.spoken(0, "a")
    await harness.assembled()
    status = await harness.status()
    assert harness.announced == [
        JobCompleted(
            job_id="job",
            title="Title",
            submitted_at=status.submitted_at,
            ended_at=status.updated_at,
            files=status.files,
            audio_seconds=3.0,
        )
    ]
    assert not await harness.store.exists(keys.active("job"))


async def test_a_failed_and_a_cancelled_job_are_announced_with_the_reason(harness: Harness) -> None:
    await harness.submit("a", job_id="bad")
    await harness.dies(harness.wanted()[0])
    await harness.submit("a", job_id="unwanted")
    await harness.cancel("unwanted")
    failed, cancelled = harness.announced
    assert isinstance(failed, JobFailed)
    assert "it is mute" in failed.error
    assert isinstance(cancelled, JobCancelled)
    assert cancelled.reason == "cancelled by the client"


async def test_an_end_that_the_broker_did_not_take_is_announced_by_whoever_coordinates_next(harness: Harness) -> None:
    await harness.submit("a")
    await harness.spoken(0, "a")
    harness.broker_is_down = True
    with pytest.raises(BrokerDown):
        await harness.assembled()
    assert (await harness.status()).state == "completed"
    assert await harness.store.exists(keys.active("job")), "it has not left, since its end was not announced"
    harness.broker_is_down = False
    harness.restart()
    await harness.reconcile()
    assert [type(event) for event in harness.announced] == [JobCompleted]
    assert not await harness.store.exists(keys.active("job"))


async def test_an_end_that_is_announced_twice_is_recognisably_the_same_message(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    await harness.submit("a")
    await harness.cancel()
    await harness.store.put(keys.active("job"), b"")  # as if killed before the mark was removed
    harness.restart()
    await harness.reconcile()
    first, second = (envelope.outgoing(event, job_id="job").message_id for event in harness.announced)
    assert first == second
