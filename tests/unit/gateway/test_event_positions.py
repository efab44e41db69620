"""What a client has missed follows from the job's status alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.coordinator import life
from services.gateway.event_positions import Position, unseen
from shared.protocol.messages import HISTORY_LIMIT, JobState, JobStatus, StateChange


def at(number: int) -> float:
    return 1_764_000_000.123456 + number


def status(*states: JobState, first: int = 1, later: float = 0.0) -> JobStatus:
    """A job that went through these states, a second apart; updated `later` seconds after the last."""
    history = tuple(
        StateChange(number=number, state=state, at=at(number)) for number, state in enumerate(states, first)
    )
    return JobStatus(
        job_id="job", state=states[-1], submitted_at=at(0), updated_at=history[-1].at + later, history=history
    )


def without_history(state: JobState, *, updated_at: float = 0.0) -> JobStatus:
    return JobStatus(job_id="job", state=state, submitted_at=0.0, updated_at=updated_at)


def told(now: JobStatus, seen: JobStatus | Position | None) -> list[tuple[str, bool]] | None:
    """State and `passed` of each step."""
    steps = unseen(now, Position.of(seen) if isinstance(seen, JobStatus) else seen)
    return None if steps is None else [(step.status.state, step.passed) for step in steps]


def test_who_has_seen_nothing_gets_the_present_status() -> None:
    assert told(status("queued", "chunking", "synthesizing"), None) == [("synthesizing", False)]


def test_who_has_seen_all_gets_nothing() -> None:
    now = status("queued", "chunking")
    assert told(now, now) == []


def test_progress_is_news_and_an_older_status_is_not() -> None:
    before, now = status("queued", "chunking"), status("queued", "chunking", later=0.5)
    assert told(now, before) == [("chunking", False)]
    assert told(before, now) == []


def test_each_state_that_was_missed_comes_in_order() -> None:
    now = status("queued", "chunking", "synthesizing", "assembling", "synthesizing", later=2)
    assert told(now, status("queued", "chunking")) == [
        ("synthesizing", True),
        ("assembling", True),
        ("synthesizing", False),
    ]


def test_a_passed_state_has_a_position_of_its_own_and_nothing_of_the_end() -> None:
    now = status("queued", "chunking", "synthesizing", "failed").model_copy(update={"error": "It broke."})
    steps = unseen(now, Position.of(status("queued")))
    assert steps is not None
    assert [step.status.error for step in steps] == [None, None, "It broke."]
    for number, step in enumerate(steps):
        rest = unseen(now, Position.of(step.status))
        assert rest is not None
        assert [one.status.state for one in rest] == [one.status.state for one in steps[number + 1 :]]


def test_the_request_alone_is_the_first_state() -> None:
    seen = without_history("queued")
    assert told(seen, seen) == []
    assert told(status("queued", "chunking"), seen) == [("chunking", False)]
    assert told(status("queued", "chunking", "synthesizing"), seen) == [("chunking", True), ("synthesizing", False)]


def test_a_status_of_an_older_version_is_followed_by_its_state() -> None:
    seen = without_history("chunking", updated_at=5)
    assert told(without_history("chunking", updated_at=6), seen) == [("chunking", False)]
    assert told(without_history("synthesizing", updated_at=4), seen) == [("synthesizing", False)]
    # A newer coordinator takes the job over: its history begins with the state that it found.
    assert told(status("chunking", "synthesizing"), seen) == [("synthesizing", False)]


@pytest.mark.parametrize(
    "seen",
    [
        Position(7, str(round(at(7) * 1e6)), 0),
        Position(2, "1", 0),
        Position(0, "failed", 0),
        Position.of(status("queued", "chunking", first=40)),
    ],
    ids=["after the end", "of another job", "a state that it never had", "of another history"],
)
def test_a_place_that_is_not_in_the_history_is_lost(seen: Position) -> None:
    assert told(status("queued", "chunking", "synthesizing"), seen) is None


def test_a_history_whose_beginning_was_dropped_goes_one_step_further_back_than_it_is_long() -> None:
    now = status("synthesizing", "assembling", first=10)
    assert told(now, status("assembling", first=9)) == [("synthesizing", True), ("assembling", False)]
    assert told(now, status("synthesizing", first=8)) is None


def test_a_status_that_has_lost_its_history_is_a_lost_place() -> None:
    assert told(without_history("assembling", updated_at=at(9)), status("queued", "chunking")) is None


@given(st.text(max_size=60))
def test_any_text_may_come_as_an_id(text: str) -> None:
    position = Position.parse(text)
    assert position is None or unseen(status("queued", "chunking"), position) is not NotImplemented


@given(st.lists(st.integers(0, 3), max_size=200), st.data())
def test_a_client_that_connects_again_at_any_moment_sees_each_state_once_and_in_order(
    choices: list[int], data: st.DataObject
) -> None:
    now = status("queued")
    seen, found = Position.of(now), ["queued"]
    all_states = ["queued"]
    for number, choice in enumerate(choices, 2):
        targets = sorted({target for target in life.TABLE[now.state].values() if target != now.state})
        if not targets:
            break
        state = targets[choice % len(targets)]
        history = life.history(now, state, at=at(number))
        now = now.model_copy(update={"state": state, "updated_at": at(number), "history": history})
        all_states.append(state)
        if data.draw(st.booleans()):
            parsed = Position.parse(str(seen))
            steps = unseen(now, parsed)
            if steps is None:  # only where the history is too short
                assert len(all_states) - len(found) > HISTORY_LIMIT
                return
            found += [step.status.state for step in steps]
            seen = Position.of(now)
    assert found == all_states[: len(found)]
