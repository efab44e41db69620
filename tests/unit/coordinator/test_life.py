"""The complete table of a job's life; and that the coordinator follows it."""

from __future__ import annotations

import itertools

import pytest

from services.coordinator import life
from services.coordinator.life import Event
from shared.protocol.messages import TERMINAL_STATES, JobFailed, JobState
from tests.unit.coordinator.harness import Harness

EXPECTED: dict[tuple[JobState, Event], JobState] = {
    ("queued", Event.SUBMITTED): "chunking",
    ("queued", Event.GIVEN_UP): "failed",
    ("queued", Event.OVERDUE): "failed",
    ("queued", Event.CANCELLED): "cancelled",
    ("chunking", Event.CHUNKED): "synthesizing",
    ("chunking", Event.GIVEN_UP): "failed",
    ("chunking", Event.OVERDUE): "failed",
    ("chunking", Event.CANCELLED): "cancelled",
    ("synthesizing", Event.PIECE_FINISHED): "synthesizing",
    ("synthesizing", Event.PIECE_LOST): "synthesizing",
    ("synthesizing", Event.CHUNKS_FINISHED): "assembling",
    ("synthesizing", Event.GIVEN_UP): "failed",
    ("synthesizing", Event.OVERDUE): "failed",
    ("synthesizing", Event.CANCELLED): "cancelled",
    ("assembling", Event.PIECE_FINISHED): "assembling",
    ("assembling", Event.EPISODE_ASSEMBLED): "assembling",
    ("assembling", Event.PIECE_LOST): "synthesizing",
    ("assembling", Event.FINISHED): "completed",
    ("assembling", Event.GIVEN_UP): "failed",
    ("assembling", Event.OVERDUE): "failed",
    ("assembling", Event.CANCELLED): "cancelled",
    ("failed", Event.RESUMED): "chunking",
    ("cancelled", Event.RESUMED): "chunking",
}
"""Every pair that changes anything, written out again by hand."""


@pytest.mark.parametrize(
    ("state", "event"),
    list(itertools.product(life.TABLE, Event)),
    ids=lambda value: value.value if isinstance(value, Event) else value,
)
def test_a_state_and_an_event_lead_where_the_table_says(state: JobState, event: Event) -> None:
    assert life.after(state, event) == EXPECTED.get((state, event))


def test_what_ends_a_job_is_left_by_a_resume_alone() -> None:
    left_by = {event for state in TERMINAL_STATES for event in life.TABLE[state]}
    assert left_by == {Event.RESUMED}
    assert life.TABLE["completed"] == {}


def test_every_event_has_a_meaning_and_every_transition_is_in_the_diagram() -> None:
    assert set(life.MEANING) == set(Event)
    for (state, event), target in EXPECTED.items():
        [line] = [line for line in life.diagram().splitlines() if line.startswith(f"    {state} --> {target}:")]
        assert event.value in line


async def test_a_late_result_does_not_revive_a_failed_job_whose_end_is_told_once(harness: Harness) -> None:
    """It used to: the job requested more chunks, failed again at the next tick, and its failure was published twice."""
    await harness.fails_for_its_second_chunk()
    harness.published.clear()
    before = await harness.status()
    await harness.spoken(1, "b")
    await harness.lost(0, "a")
    await harness.assembled()
    await harness.chunked()
    await harness.reconcile()
    assert harness.published == []
    assert await harness.status() == before
    assert [type(event) for event in harness.announced] == [JobFailed]
    assert [event.name for event in harness.events].count("failed") == 1


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
async def test_nothing_that_comes_late_changes_an_ended_job(harness: Harness, end: str) -> None:
    await harness.submit("ab")
    requests = harness.wanted()
    if end == "cancelled":
        await harness.cancel()
    elif end == "failed":
        for request in requests:
            await harness.dies(request)
    else:
        await harness.spoken(0, "a")
        await harness.spoken(1, "b")
        await harness.assembled()
    before = await harness.status()
    assert before.state == end
    harness.published.clear()
    await harness.spoken(0, "a")
    await harness.spoken(1, "b")
    await harness.lost(0, "a")
    await harness.assembled()
    await harness.chunked()
    await harness.dies(requests[0])
    await harness.cancel()
    await harness.reconcile()
    assert harness.published == []
    assert await harness.status() == before
    assert len(harness.announced) == 1


async def test_an_episode_that_is_announced_while_a_chunk_is_spoken_again_is_asked_for_once_more(
    harness: Harness,
) -> None:
    """Two assemblers had the message: one did not find a chunk, the other had read it before it was lost."""
    await harness.submit("a")
    await harness.spoken(0, "a")
    await harness.lost(0, "a")
    await harness.assembled()
    assert (await harness.status()).state == "synthesizing"
    harness.published.clear()
    await harness.spoken(0, "a")
    assert [message.ROUTING_KEY for message in harness.published] == ["episode.requested"]
    await harness.assembled()
    assert (await harness.status()).state == "completed"
