"""A status has the history of its job's states: for watchers, who must see each state once and in order."""

from __future__ import annotations

from pathlib import Path

from services.coordinator import life
from services.coordinator.life import Event
from shared.protocol.messages import HISTORY_LIMIT, JobState, JobStatus, StateChange
from tests.unit.coordinator.harness import Harness

JOB = "job"


async def go(harness: Harness, *events: Event) -> None:
    for event in events:
        job = await harness.jobs.find(JOB) or await harness.jobs.begin(JOB)
        assert await harness.jobs.move(job, event)


async def stored(harness: Harness) -> JobStatus:
    found = await harness.jobs.records.status(JOB)
    assert found is not None
    return found[0]


def states(status: JobStatus) -> list[tuple[int, JobState]]:
    return [(change.number, change.state) for change in status.history]


async def test_each_change_of_state_is_written_and_told_with_its_number_and_time(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    await go(harness, Event.SUBMITTED, Event.CHUNKED, Event.CHUNKS_FINISHED, Event.PIECE_LOST, Event.GIVEN_UP)
    status = await stored(harness)

    assert states(status) == list(
        enumerate(["queued", "chunking", "synthesizing", "assembling", "synthesizing", "failed"], 1)
    )
    times = [change.at for change in status.history]
    assert times == sorted(times)
    assert status.history[-1].at == status.updated_at
    assert harness.events[-1].status.history == status.history
    assert [event.is_change for event in harness.events] == [True] * 5


async def test_what_changes_no_state_is_no_entry(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    await go(harness, Event.SUBMITTED, Event.CHUNKED, Event.PIECE_LOST)

    assert states(await stored(harness)) == [(1, "queued"), (2, "chunking"), (3, "synthesizing")]
    assert [event.is_change for event in harness.events] == [True, True, False]


async def test_a_coordinator_that_takes_a_job_over_goes_on_counting(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    await go(harness, Event.SUBMITTED, Event.GIVEN_UP)
    harness.restart()
    job = await harness.jobs.need(JOB)
    await harness.jobs.reopen(job)

    assert states(await stored(harness))[-2:] == [(3, "failed"), (4, "chunking")]


def test_the_history_of_an_older_versions_status_begins_with_the_state_that_it_is_in() -> None:
    old = JobStatus(job_id=JOB, state="synthesizing", submitted_at=1, updated_at=5)
    assert life.history(old, "assembling", at=9) == (
        StateChange(number=1, state="synthesizing", at=5),
        StateChange(number=2, state="assembling", at=9),
    )


def test_the_history_is_bounded_and_keeps_its_numbers() -> None:
    status = JobStatus(job_id=JOB, state="assembling", submitted_at=1, updated_at=1)
    for number in range(100):
        state: JobState = "synthesizing" if number % 2 == 0 else "assembling"
        status = status.model_copy(update={"state": state, "history": life.history(status, state, at=number)})
    assert len(status.history) == HISTORY_LIMIT
    assert [change.number for change in status.history] == list(range(102 - HISTORY_LIMIT, 102))
