"""Groups similar dead letters: a misspelt voice makes a dead letter of every chunk, but it is a single problem."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.cli.backends.port import CommandBackend
from shared.dead_letters.grouping import sentence
from shared.dead_letters.letter import DeadLetter
from shared.errors import PodcastError
from shared.text import one_line

TITLES_SECONDS: Final = 3.0
"""Time limit to look up jobs' titles, which are optional: a store that is down must not hold up the list."""
_TITLES_LIMIT: Final = 100
_LEAST_ID_CHARACTERS: Final = 4


@dataclass(frozen=True)
class Group:
    """Dead letters of one queue and one job with the same reason.

    Attributes:
        letters: the oldest first.
        reason: why, in one sentence.
    """

    letters: tuple[DeadLetter, ...]
    reason: str

    @property
    def queue(self) -> str:
        """The work queue that they were in."""
        return self.letters[0].queue

    @property
    def job_id(self) -> str | None:
        """The job they belong to."""
        return self.letters[0].job_id

    @property
    def newest(self) -> datetime | None:
        """When the last of them was dead-lettered; None if it is not known."""
        times = [moment for letter in self.letters if (moment := _moment(letter.time)) is not None]
        return max(times, default=None)


def grouped(letters: Iterable[DeadLetter]) -> list[Group]:
    """The dead letters by queue, job and reason, in the order in which the first of each arrived."""
    groups: dict[tuple[str, str | None, str], list[DeadLetter]] = {}
    for letter in letters:
        groups.setdefault((letter.queue, letter.job_id, sentence(letter.reason)), []).append(letter)
    return [Group(tuple(found), reason) for (_, _, reason), found in groups.items()]


def short_ids(letters: Sequence[DeadLetter]) -> dict[str, str]:
    """The shortest unique beginning of each dead letter's id: id → its beginning."""
    ordered = sorted({letter.id for letter in letters})
    size = _LEAST_ID_CHARACTERS
    for one, other in itertools.pairwise(ordered):
        alike = next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
        size = max(size, alike + 1)
    return {letter_id: letter_id[:size] for letter_id in ordered}


async def titles(backend: CommandBackend, job_ids: Iterable[str | None]) -> Mapping[str, str]:
    """The titles of jobs that the backend returns within `TITLES_SECONDS`: job id → title."""
    wanted = list(dict.fromkeys(job_id for job_id in job_ids if job_id))[:_TITLES_LIMIT]
    found: dict[str, str] = {}

    async def look(job_id: str) -> None:
        with contextlib.suppress(PodcastError, ValueError):  # ValueError: a status that cannot be read
            status = await backend.look(job_id)
            if status is not None and status.title:
                found[job_id] = one_line(status.title)

    with contextlib.suppress(PodcastError, TimeoutError):
        async with asyncio.timeout(TITLES_SECONDS):
            await asyncio.gather(*map(look, wanted))
    return found


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago, for people: `40 s`, `12 min`, `3 h`, `5 d`; `-` if it is not known."""
    if moment is None:
        return "-"
    seconds = max((now - moment).total_seconds(), 0.0)
    for unit, size, until in (("s", 1, 60), ("min", 60, 3_600), ("h", 3_600, 86_400)):
        if seconds < until:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds // 86_400)} d"


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.astimezone() if moment.tzinfo is None else moment
