"""Where in a job's life a client is: the ids of a job's events, and what came after one. Pure.

An id names the change of state that the client saw last and the time of the status that it saw, so that any gateway can
go on from the job's status in the store alone: its `history` has the changes, each with a number and a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Self

from shared.protocol.messages import JobStatus, StateChange

_ID: Final = re.compile(r"(\d{1,9})-(\d{1,20}|[a-z]{1,20})-(\d{1,20})")
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True)
class Position:
    """What a client has seen of a job.

    Attributes:
        number: of the last change of state; 0 if the status has no history (the coordinator has not taken the job yet,
            or an older version wrote the status).
        change: when that change was, in microseconds since the epoch; without a history, the name of the state.
        updated: when the status was updated, in microseconds since the epoch.
    """

    number: int
    change: str
    updated: int

    def __str__(self) -> str:
        return f"{self.number}-{self.change}-{self.updated}"

    @classmethod
    def of(cls, status: JobStatus) -> Self:
        """The position of a client that has seen this status."""
        updated = _microseconds(status.updated_at)
        if not status.history:
            return cls(0, status.state, updated)
        return cls(status.history[-1].number, str(_microseconds(status.history[-1].at)), updated)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The position that an id stands for; None if it is none of ours."""
        found = _ID.fullmatch(text)
        return cls(int(found[1]), found[2], int(found[3])) if found else None


@dataclass(frozen=True)
class Step:
    """One status to be sent.

    Attributes:
        status: the job's status; of a state that the job has left, as far as it is known.
        passed: whether the job has left that state.
    """

    status: JobStatus
    passed: bool = False


def unseen(status: JobStatus, seen: Position | None) -> list[Step] | None:
    """What a client at this position has not seen: each state that it missed, in order, then the present status.

    Args:
        status: the present status.
        seen: where the client is; None: it has seen nothing, and gets the present status alone.

    Returns:
        None if that cannot be told: the position is older than the history, or is of another job with the same id.
    """
    now = Position.of(status)
    if seen is None:
        return [Step(status)]
    is_later = [Step(status)] if now.updated > seen.updated else []
    if not status.history:
        if seen.number:
            return None
        return is_later if seen.change == now.change else [Step(status)]
    place = _place(status.history, seen)
    if place is None:
        return None
    later = status.history[place + 1 :]
    if not later:
        return is_later
    return [*(Step(_then(status, change), passed=True) for change in later[:-1]), Step(status)]


def _place(history: tuple[StateChange, ...], seen: Position) -> int | None:
    """The index of the change that was seen; -1: the one before the first."""
    if not seen.number:
        places = [index for index, change in enumerate(history) if change.state == seen.change]
        return places[-1] if places else None
    place = seen.number - history[0].number
    if place == -1:
        return place
    if not 0 <= place < len(history) or str(_microseconds(history[place].at)) != seen.change:
        return None
    return place


def _then(status: JobStatus, change: StateChange) -> JobStatus:
    """What is still known of the status that the job had with this change: what belongs to its present end is left out.

    Its history ends with that change, so that its position is that of the change.
    """
    history = tuple(one for one in status.history if one.number <= change.number)
    left_out: dict[str, Any] = {
        "files": {},
        "loudness_lufs": None,
        "true_peak_dbtp": None,
        "error": None,
        "failures": (),
        "warnings": (),
    }
    return status.model_copy(update={**left_out, "state": change.state, "updated_at": change.at, "history": history})


def _microseconds(seconds: float) -> int:
    return max(0, round(seconds * _MICROSECONDS))
