"""The rows of a plain text: its lines without what printers and terminals put there, and the groups that they form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.chunker.speakable import SPEAKABLE

PAGE_BREAK = "\f"
"""The row for a form feed."""

_OVERSTRUCK = re.compile(r"[^\n]\x08")
_TABS_LIMIT = 50
"""A line with more tabs is not indented by them, and would grow eightfold."""

_RULE = re.compile(r"\s*+([=\-~^\"'#*+_.:`<>\u2013\u2014\u2500\u2501\u2550\u2014])(?:\s?\1){2,}+\s*+")


@dataclass(frozen=True, slots=True)
class Title:
    """A heading that is recognised by the lines under or over it.

    Attributes:
        text: its words.
        style: the character of the line under it, and whether there is one above.
    """

    text: str
    style: str


Row = str | Title
"""A line without white space at its end, or a heading."""


@dataclass(frozen=True, slots=True)
class LineGroup:
    """Lines that follow each other without a blank one.

    Attributes:
        lines: with their indentation.
        blank_before: how many blank lines precede it.
    """

    lines: tuple[str, ...]
    blank_before: int

    @property
    def indent(self) -> int:
        """The smallest indentation, in characters."""
        return min(map(indent_of, self.lines))

    @property
    def text(self) -> str:
        """Its words on one line."""
        return " ".join(" ".join(self.lines).split())


def rows_of(text: str) -> list[str]:
    """The lines of a text, tabs expanded, letters printed over each other printed once; `PAGE_BREAK` for form feeds."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\u2028", "\n")
    unix = unix.replace("\u2029", "\n\n").replace("\f", f"\n{PAGE_BREAK}\n")
    if "\x08" in unix:
        unix = _OVERSTRUCK.sub("", unix)
    return [line if line == PAGE_BREAK else _expanded(line).rstrip() for line in unix.split("\n")]


def _expanded(line: str) -> str:
    if "\t" not in line:
        return line
    return line.expandtabs() if line.count("\t") <= _TABS_LIMIT else line.replace("\t", " ")


def indent_of(line: str) -> int:
    """How many characters of white space it begins with."""
    return len(line) - len(line.lstrip())


def is_rule(line: str) -> bool:
    """Whether it is drawn: one character again and again, at least three times."""
    return _RULE.fullmatch(line) is not None


def has_words(line: str) -> bool:
    """Whether it has a letter or a digit."""
    return SPEAKABLE.search(line) is not None


def groups_of(rows: list[Row]) -> Iterator[LineGroup | Title]:
    """The groups of lines and the headings, in order."""
    lines: list[str] = []
    blank = blank_before = 0
    for row in rows:
        if isinstance(row, str) and row and row != PAGE_BREAK:
            if not lines:
                blank_before, blank = blank, 0
            lines.append(row)
            continue
        if lines:
            yield LineGroup(tuple(lines), blank_before)
            lines = []
        if isinstance(row, Title):
            yield row
            blank = 0
        else:
            blank += 1
    if lines:
        yield LineGroup(tuple(lines), blank_before)
