"""The latest changes of state of all jobs, as the broker's log has them: each with an id that every gateway knows.

The log is a RabbitMQ stream; a change's id is its offset there and a digest, so that an id of a
log that was lost and begun again is recognised. A gateway keeps a copy: it is small, and resuming costs the broker
nothing.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from services.gateway import event_format
from services.gateway.event_positions import Step
from shared.protocol.messages import JobEvent, JobState, JobStatus
from shared.protocol.reading import read

LIMIT: Final = 4_000
"""Changes kept; more than the log itself has."""
_ID: Final = re.compile(r"(\d{1,18})-([0-9a-f]{8})")
_MARK_CHARACTERS: Final = 8


@dataclass
class Change:
    """One change of a job's state.

    Attributes:
        identity: its id; empty if it was found in the store, and so has none.
        body: the event as it was published.
        told: it was sent to those who were watching before it was read from the log.
    """

    identity: str
    body: bytes
    told: bool = False
    _status: JobStatus | None = None
    _passed: bool = False
    _encoded: bytes = b""
    _was_read: bool = field(default=False, repr=False)

    @classmethod
    def found(cls, step: Step) -> Change:
        """A change that the store told of."""
        return cls("", b"", _status=step.status, _passed=step.passed, _was_read=True)

    @property
    def status(self) -> JobStatus | None:
        """The job's status with the change; None if it cannot be read."""
        if not self._was_read:
            self._was_read = True
            try:
                self._status = read(JobEvent, self.body, strict=False).status
            except ValidationError:
                self._status = None
            self.body = b""
        return self._status

    @property
    def state(self) -> JobState | None:
        """The new state."""
        return self.status.state if self.status else None

    @property
    def encoded(self) -> bytes:
        """The event for clients; made once."""
        if not self._encoded and self.status is not None:
            self._encoded = event_format.status_of(self.status, identity=self.identity, passed=self._passed)
        return self._encoded


def identity(offset: object, body: bytes) -> str:
    """The id of a change: its place in the broker's log, and a digest of it; empty if the broker gave it no place."""
    return f"{offset}-{hashlib.sha256(body).hexdigest()[:_MARK_CHARACTERS]}" if isinstance(offset, int) else ""


def is_identity(text: str) -> bool:
    """Whether this may be the id of a change."""
    return bool(_ID.fullmatch(text))


class Log:
    """The copy of the log.

    Attributes:
        generation: counts how often the past was lost.
        end: the place after the latest change. Places count from 0 in this process.
    """

    def __init__(self) -> None:
        self.generation = 0
        self.end = 0
        self._changes: list[Change] = []
        self._places: dict[str, int] = {}

    @property
    def latest(self) -> str:
        """The id of the latest change that has one; empty if there is none."""
        return next(reversed(self._places), "")

    def place_after(self, identity: str) -> int | None:
        """The place after the change with this id; None if it is not known (any more)."""
        place = self._places.get(identity)
        return None if place is None else place + 1

    def after(self, place: int, *, limit: int) -> list[Change] | None:
        """At most `limit` changes from this place on; None if they are not known any more."""
        start = place - (self.end - len(self._changes))
        return None if start < 0 else self._changes[start : start + limit]

    def append(self, change: Change) -> None:
        """Add a change; the oldest are dropped."""
        if change.identity:
            self._places[change.identity] = self.end
        self._changes.append(change)
        self.end += 1
        if len(self._changes) > 2 * LIMIT:
            for dropped in self._changes[:LIMIT]:
                self._places.pop(dropped.identity, None)
            del self._changes[:LIMIT]

    def reread(self, changes: list[Change]) -> list[Change]:
        """Take the whole log as it was read anew after a lost connection.

        Returns:
            The changes that are new. If the log does not continue what was known, all of the past is replaced.
        """
        known = self.latest
        if not known:
            new = changes
        else:
            places = [place for place, change in enumerate(changes) if change.identity == known]
            if not places:
                self.generation += 1
                self._changes, self._places = [], {}
                new = changes
            else:
                new = changes[places[-1] + 1 :]
        for change in new:
            self.append(change)
        return new
