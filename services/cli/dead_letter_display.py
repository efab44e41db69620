"""Dead letters for people: a line for each group of similar ones, a line for each, a page for one.

Dead letters may contain anything that a stranger sent: each field goes through `shared.text`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from services.cli import columns
from services.cli.columns import Column, rows
from services.cli.dead_letter_groups import Group, age, short_ids
from shared.dead_letters.letter import DeadLetter
from shared.text import one_line, printable

NONE: Final = "There are no dead letters."
_JOB_COLUMNS: Final = 16
_WIDE_COLUMNS: Final = 120


def count(number: int) -> str:
    """The number of dead letters, in words."""
    return f"{number} dead letter{'' if number == 1 else 's'}"


def summary(groups: Sequence[Group], titles: Mapping[str, str]) -> str:
    """One line for each group: how many, where, of which job, why, and how long ago the last one arrived.

    Args:
        groups: the groups to show.
        titles: job id → title, as far as they are known.
    """
    if not groups:
        return NONE
    width = columns.terminal_width()
    names = short_ids([letter for group in groups for letter in group.letters])
    now = datetime.now(UTC)
    layout = [
        Column("ID"),
        Column("N", right=True),
        Column("QUEUE"),
        Column("JOB", most=_JOB_COLUMNS),
        Column("AGE", right=True),
        Column("REASON", rest=True),
    ]
    cells = [
        [
            names[group.letters[0].id],
            str(len(group.letters)),
            group.queue,
            titles.get(group.job_id or "") or _short_job(group.job_id, width),
            age(group.newest, now),
            _short_reason(group.reason, width),
        ]
        for group in groups
    ]
    return "\n".join(rows(layout, cells, width=width))


def each(letters: Sequence[DeadLetter]) -> str:
    """One line for each dead letter, with its whole id, its job and its chunk."""
    if not letters:
        return NONE
    layout = [
        Column("ID"),
        Column("QUEUE"),
        Column("JOB"),
        Column("CHUNK", right=True),
        Column("TRIES", right=True),
        Column("DIED AT"),
        Column("REASON", rest=True),
    ]
    cells = [
        [
            letter.id,
            letter.queue,
            one_line(letter.job_id or "-"),
            _chunk(letter),
            str(len(letter.attempts) or "-"),
            one_line(letter.time or "-")[:19],
            one_line(letter.reason),
        ]
        for letter in letters
    ]
    return "\n".join(rows(layout, cells, width=None))


def page(letter: DeadLetter, *, debug: bool = False) -> str:
    """Everything about one dead letter.

    Args:
        letter: the dead letter.
        debug: also show where in the program it failed.
    """
    facts = [
        ("id", letter.id),
        ("queue", letter.queue),
        ("type", letter.type),
        ("job", letter.job_id or "unknown"),
        ("chunk", _chunk(letter)),
        ("died at", letter.time or "unknown"),
        ("reason", letter.reason),
        ("error", letter.error or "-"),
        ("replayed", f"{letter.replays} times before" if letter.replays else "never"),
        ("size", f"{letter.size_bytes} bytes"),
    ]
    lines = [f"{name + ':':<10} {one_line(value)}" for name, value in facts]
    if letter.attempts:
        lines += ["", "attempts:"]
        lines += [
            f"  {entry['attempt']:>2}  {one_line(entry['at'])}  {one_line(entry['error'])}" for entry in letter.attempts
        ]
    lines += ["", "text:", _block(letter.text, f"({letter.size_bytes} bytes that are not text)")]
    if letter.stacktrace and debug:
        lines += ["", "where it failed:", _block(letter.stacktrace.rstrip(), "")]
    elif letter.stacktrace:
        lines += ["", "--debug also shows where in the program it failed."]
    lines += ["", f"`podcast dlq replay {letter.id}` sends it back to {letter.queue}, `podcast dlq discard` drops it."]
    return "\n".join(lines)


def _block(text: str | None, without: str) -> str:
    """A text of several lines, indented, so that none of them can be mistaken for one of ours."""
    if text is None:
        return f"  {without}"
    return "\n".join(f"  {line}" for line in printable(text, keep_newlines=True).split("\n"))


def _short_job(job_id: str | None, width: int | None) -> str:
    """A job's id; on a terminal only its end, since ids of the same day begin alike."""
    name = one_line(job_id or "-")
    return name if width is None or len(name) <= _JOB_COLUMNS else "…" + name[-(_JOB_COLUMNS - 1) :]


def _short_reason(reason: str, width: int | None) -> str:
    """A reason; on a narrow terminal without the server's address, which would fill the column (`show` has it)."""
    if width is None or width >= _WIDE_COLUMNS:
        return reason
    return re.sub(r"^The speech server at \S+ ", "Speech server ", reason)


def _chunk(letter: DeadLetter) -> str:
    return "-" if letter.chunk is None else str(letter.chunk)
