"""Dead letters on a terminal: a table that fits, a page for one. Plain text when nobody looks.

Letters may hold anything a stranger sent, so control characters never reach the terminal.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.dead_letters.letter import DeadLetter

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_NARROW_COLUMNS: Final = 100
"""Below it, the table leaves out what `show` tells."""


def count(number: int) -> str:
    """So many dead letters, in words."""
    return f"{number} dead letter{'' if number == 1 else 's'}"


def table(found: Sequence[DeadLetter]) -> str:
    """All letters, a line each on a terminal as far as they fit; tab-separated where there is none."""
    if not found:
        return "There are no dead letters."
    if not sys.stdout.isatty():
        return "\n".join(
            "\t".join(
                (
                    letter.id,
                    letter.queue,
                    letter.job_id or "-",
                    _chunk(letter),
                    letter.time or "-",
                    _line(letter.reason),
                )
            )
            for letter in found
        )
    width = shutil.get_terminal_size().columns
    wide = width >= _NARROW_COLUMNS
    grid = Table(box=None, pad_edge=False, header_style="bold")
    grid.add_column("ID", no_wrap=True)
    grid.add_column("QUEUE", no_wrap=True)
    if wide:
        grid.add_column("JOB", overflow="fold", max_width=36)
    grid.add_column("CHUNK", justify="right")
    if wide:
        grid.add_column("TRIES", justify="right")
        grid.add_column("DIED AT", no_wrap=True)
    grid.add_column("REASON", ratio=1, overflow="fold")
    for letter in found:
        job = [Text(letter.job_id or "-")] if wide else []
        history = [Text(str(len(letter.attempts) or "-")), Text((letter.time or "-")[:19])] if wide else []
        grid.add_row(
            Text(letter.id, style="cyan"),
            Text(letter.queue),
            *job,
            Text(_chunk(letter)),
            *history,
            Text(_line(letter.reason)),
        )
    return _rendered(grid, width)


def page(letter: DeadLetter) -> str:
    """All about one letter."""
    rows = [
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
    lines = [f"{name + ':':<10} {_clean(value)}" for name, value in rows]
    if letter.attempts:
        lines += ["", "attempts:"]
        lines += [
            f"  {entry['attempt']:>2}  {_line(entry['at'])}  {_line(entry['error'])}" for entry in letter.attempts
        ]
    lines += [
        "",
        "text:",
        _clean(letter.text) if letter.text is not None else f"({letter.size_bytes} bytes that are not text)",
    ]
    if letter.stacktrace:
        lines += ["", "where it failed:", _clean(letter.stacktrace).rstrip()]
    lines += [
        "",
        f"`podcast dlq replay {letter.id}` sends it back to {letter.queue}, `podcast dlq discard` drops it.",
    ]
    return "\n".join(lines)


def _chunk(letter: DeadLetter) -> str:
    return "-" if letter.chunk is None else str(letter.chunk)


def _line(text: str) -> str:
    return _clean(" ".join(text.split()))


def _clean(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _rendered(grid: Table, width: int) -> str:
    """As a string, with colours; ANSI codes are ours alone."""
    page = io.StringIO()
    Console(file=page, width=width, force_terminal=True, highlight=False).print(grid)
    return page.getvalue().rstrip("\n")
