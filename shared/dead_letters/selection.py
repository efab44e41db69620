"""Selects dead letters by queue, job, reason or id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.dead_letters.grouping import sentence
from shared.dead_letters.letter import ID_CHARACTERS, DeadLetter
from shared.errors import BadInput, NotFound
from shared.protocol.topology import WORK_QUEUES, WorkQueue

_ID: Final = re.compile(rf"[0-9a-f]{{4,{ID_CHARACTERS}}}(-[0-9]+)?")
_NAMED_AT_MOST: Final = 5


@dataclass(frozen=True)
class Selection:
    """Which dead letters are selected; every condition that is set must hold.

    Attributes:
        queues: the work queues they died in.
        job_id: the job they belong to.
        reason: why they are here: the first sentence, as lists of groups show it.
        ids: their full ids.
    """

    queues: tuple[WorkQueue, ...] = WORK_QUEUES
    job_id: str | None = None
    ids: frozenset[str] | None = None
    reason: str | None = None

    def has(self, letter: DeadLetter) -> bool:
        """Whether this dead letter is selected."""
        return (
            (self.job_id is None or letter.job_id == self.job_id)
            and (self.ids is None or letter.id in self.ids)
            and (self.reason is None or sentence(letter.reason) == self.reason)
        )


@dataclass
class First:
    """The first few of the selected dead letters.

    Attributes:
        selection: which.
        limit: how many; None: all.
        count: how many have been taken.
        left_some: whether the limit has left some out.
    """

    selection: Selection
    limit: int | None
    count: int = 0
    left_some: bool = False

    def takes(self, letter: DeadLetter) -> bool:
        """Whether this one is among them; to be called once with each, in order."""
        if not self.selection.has(letter):
            return False
        if self.limit is not None and self.count >= self.limit:
            self.left_some = True
            return False
        self.count += 1
        return True


def queue_named(name: str) -> WorkQueue:
    """The work queue with this name, or whose dead-letter queue has this name.

    Raises:
        BadInput: there is none.
    """
    for queue in WORK_QUEUES:
        if name in {queue.name, queue.dead}:
            return queue
    raise BadInput(
        f"There is no queue “{name}”.", hint=f"The queues are {', '.join(queue.name for queue in WORK_QUEUES)}."
    )


class Named:
    """Finds dead letters by their ids, which may be abbreviated."""

    def __init__(self, prefixes: Sequence[str]) -> None:
        """Look for these ids.

        Raises:
            BadInput: one is not an id.
        """
        for prefix in prefixes:
            if not _ID.fullmatch(prefix):
                raise BadInput(
                    f"“{prefix}” is not the id of a dead letter.", hint="`podcast dlq list` shows the ids; 4 digits do."
                )
        self._matches: dict[str, list[DeadLetter]] = {prefix: [] for prefix in prefixes}

    def see(self, letter: DeadLetter) -> None:
        """Remember the dead letter if an id matches. A full id does not match longer ids."""
        for prefix, found in self._matches.items():
            if letter.id == prefix:
                found[:] = [letter]
            elif letter.id.startswith(prefix) and not (found and found[0].id == prefix):
                found.append(letter)

    def found(self) -> list[DeadLetter]:
        """One dead letter for each id.

        Raises:
            NotFound: no dead letter has this id.
            BadInput: several dead letters match it.
        """
        return [_only(prefix, found) for prefix, found in self._matches.items()]


def _only(prefix: str, found: Sequence[DeadLetter]) -> DeadLetter:
    if not found:
        raise NotFound(
            f"There is no dead letter {prefix}.",
            hint="It was replayed or discarded; `podcast dlq list` shows the rest.",
        )
    if len(found) > 1:
        ids = ", ".join(letter.id for letter in found[:_NAMED_AT_MOST])
        more = " and others" if len(found) > _NAMED_AT_MOST else ""
        raise BadInput(f"{len(found)} dead letters' ids begin with {prefix}: {ids}{more}.", hint="Give more digits.")
    return found[0]
