"""A job's life: one table of states, events and transitions. Pure; every change of a job's state goes through it.

A pair of state and event that is not in the table changes nothing. So the three states that end a job are left only by
`RESUMED`: a result, a dead letter or a loss that comes late does not change the job.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from shared.protocol.messages import HISTORY_LIMIT, TERMINAL_STATES, JobState, JobStatus, StateChange


class Event(Enum):
    """What can happen to a job; the value is the wording for logs and the diagram."""

    SUBMITTED = "submitted"
    CHUNKED = "chunked"
    PIECE_FINISHED = "piece finished"
    CHUNKS_FINISHED = "chunks finished"
    PIECE_LOST = "piece lost"
    EPISODE_ASSEMBLED = "episode assembled"
    FINISHED = "all finished"
    GIVEN_UP = "given up"
    OVERDUE = "deadline passed"
    CANCELLED = "cancelled"
    RESUMED = "resumed"


MEANING: Final[dict[Event, str]] = {
    Event.SUBMITTED: "a coordinator has taken the job; the chunker got the same message",
    Event.CHUNKED: "its manifest is in the store",
    Event.PIECE_FINISHED: "a piece of work is in the store, such as a chunk's audio",
    Event.CHUNKS_FINISHED: "every piece that the episode needs is in the store",
    Event.PIECE_LOST: "the assembler did not find a piece that was finished",
    Event.EPISODE_ASSEMBLED: "the episode is in the store and was proved complete",
    Event.FINISHED: "every required piece is in the store, and nothing optional is under way",
    Event.GIVEN_UP: "something that the job cannot do without cannot be made",
    Event.OVERDUE: "it was under way for longer than its deadline",
    Event.CANCELLED: "a client wants it no more",
    Event.RESUMED: "a client wants it after all: `podcast retry`, or a replay of a dead letter",
}

_ENDS: Final[dict[Event, JobState]] = {
    Event.GIVEN_UP: "failed",
    Event.OVERDUE: "failed",
    Event.CANCELLED: "cancelled",
}
"""What can happen to any job that is under way."""

TABLE: Final[dict[JobState, dict[Event, JobState]]] = {
    "queued": {Event.SUBMITTED: "chunking", **_ENDS},
    "chunking": {Event.CHUNKED: "synthesizing", **_ENDS},
    "synthesizing": {
        Event.PIECE_FINISHED: "synthesizing",
        Event.PIECE_LOST: "synthesizing",
        Event.CHUNKS_FINISHED: "assembling",
        **_ENDS,
    },
    "assembling": {
        Event.PIECE_FINISHED: "assembling",
        Event.EPISODE_ASSEMBLED: "assembling",
        Event.PIECE_LOST: "synthesizing",
        Event.FINISHED: "completed",
        **_ENDS,
    },
    "completed": {},
    "failed": {Event.RESUMED: "chunking"},
    "cancelled": {Event.RESUMED: "chunking"},
}
"""State → event → the state after it."""


def after(state: JobState, event: Event) -> JobState | None:
    """The state of a job in `state` after `event`; None if the event changes nothing."""
    return TABLE[state].get(event)


def history(status: JobStatus, state: JobState, *, at: float) -> tuple[StateChange, ...]:
    """The history of a job that goes from this status to `state`; unchanged if it is in that state already.

    Args:
        status: what it was until now.
        state: what it is from now on.
        at: now, in seconds since the epoch.
    """
    # An older version wrote none: then it begins with the state that the job was found in.
    known = status.history or (StateChange(number=1, state=status.state, at=status.updated_at),)
    if state == status.state:
        return known
    return (*known, StateChange(number=known[-1].number + 1, state=state, at=at))[-HISTORY_LIMIT:]


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> queued"]
    for state, transitions in TABLE.items():
        by_target: dict[JobState, list[str]] = {}
        for event, target in transitions.items():
            by_target.setdefault(target, []).append(event.value)
        lines += [f"    {state} --> {target}: {', '.join(events)}" for target, events in by_target.items()]
    lines += [f"    {state} --> [*]" for state in TABLE if state in TERMINAL_STATES]
    return "\n".join(lines)


def legend() -> str:
    """The events with their meaning, as a Markdown table."""
    rows = [f"| {event.value} | {MEANING[event]} |" for event in Event]
    return "\n".join(["| event | meaning |", "|---|---|", *rows])
