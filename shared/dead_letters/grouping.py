"""Counts similar dead letters together: a misspelt voice makes one of every chunk, but it is a single problem."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shared.dead_letters.letter import DeadLetter
from shared.text import one_line

GROUPS_LIMIT: Final = 10_000
"""Groups that are kept; the letters beyond them are only counted."""
_SENTENCE: Final = re.compile(r"""(.+?[.!?…])(?:\s+(?=["“'(`]?[A-Z0-9])|$)""")


def sentence(reason: str) -> str:
    """The first sentence of a reason, on one line: letters of one queue and job that share it are alike."""
    line = one_line(reason)
    found = _SENTENCE.match(line)
    return found[1] if found else line


@dataclass
class LetterGroup:
    """Dead letters of one queue and one job with the same reason.

    Attributes:
        oldest: the first of them.
        newest: the last of them.
        reason: why, in one sentence.
        letters: how many.
    """

    oldest: DeadLetter
    newest: DeadLetter
    reason: str
    letters: int = 1


class GroupCount:
    """Counts the dead letters in groups, without keeping each.

    Attributes:
        letters: how many there are in all.
    """

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str | None, str], LetterGroup] = {}
        self.letters = 0

    def add(self, letter: DeadLetter) -> None:
        """Count one; the letters of a queue come oldest first."""
        self.letters += 1
        reason = sentence(letter.reason)
        name = (letter.queue, letter.job_id, reason)
        group = self._groups.get(name)
        if group is not None:
            group.letters += 1
            group.newest = letter
        elif len(self._groups) < GROUPS_LIMIT:
            self._groups[name] = LetterGroup(letter, letter, reason)

    def groups(self) -> list[LetterGroup]:
        """The groups, in the order in which the first of each arrived."""
        return list(self._groups.values())
