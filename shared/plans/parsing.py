"""Reads a plan. Strict: what is not understood is an error that names the line. Linear: each line is looked at once."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from shared.errors import BadSource
from shared.plans import marks as marking
from shared.plans.model import (
    FIRST_WORDS,
    HEADER_END,
    LEVELS_LIMIT,
    NAMES,
    VERSION,
    Block,
    ChapterMark,
    Comment,
    Item,
    PlanLine,
    SpeechPlan,
)

_OF_A_CHAPTER: Final = frozenset({"unspoken", "language"})
_OF_A_PARAGRAPH: Final = frozenset({"heading", "speaker", "language"})


def parse(text: str) -> SpeechPlan:
    """The plan that a text is.

    Raises:
        BadSource: a line is not understood; the message names it.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header, begin = _header(lines)
    return SpeechPlan(_Body(lines, begin).items(), header)


def wrong(number: int, what: str, hint: str) -> BadSource:
    """The error for a line, counted from 1."""
    return BadSource(f"Line {number} of the plan: {what}.", hint=hint)


def _header(lines: list[str]) -> tuple[dict[str, str], int]:
    if lines[0].rstrip() != f"{FIRST_WORDS}{VERSION}":
        raise wrong(1, f"it is not {FIRST_WORDS}{VERSION}", "Plans begin with it; a newer version may write another.")
    header: dict[str, str] = {}
    for number, line in enumerate(lines[1:], 2):
        if line.strip() == HEADER_END:
            return header, number
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon or name not in NAMES:
            raise wrong(number, "it says nothing that a plan's header can say", f"It can say: {', '.join(NAMES)}.")
        if name in header:
            raise wrong(number, f"{name} is said twice", "Leave one of them.")
        if name == "language" and not marking.is_language(value):
            raise wrong(number, f"{value or 'nothing'} is no language tag", "Write it as in en or de-AT.")
        if value:
            header[name] = value
    raise wrong(len(lines), "the header has no end", f"Write {HEADER_END} in a line of its own after it.")


class _Body:
    """The lines after the header, read one by one."""

    def __init__(self, lines: list[str], begin: int) -> None:
        self._lines = lines
        self._at = begin
        self._items: list[Item] = []
        self._texts: list[PlanLine] = []
        """The lines of the paragraph that is being read."""
        self._title: ChapterMark | None = None
        """The title in the line before, which = may follow."""
        self._marks: dict[str, str] | None = None
        """What the line before says of what follows."""

    def items(self) -> tuple[Item, ...]:
        """Read all of it."""
        while self._at < len(self._lines):
            line = self._lines[self._at].strip()
            self._at += 1
            self._read(line)
        self._finish()
        return tuple(self._items)

    def _read(self, line: str) -> None:
        if line.startswith("="):
            self._say(line[1:].strip())
        elif line.startswith("+"):
            self._goes_on(line[1:].strip())
        elif not line:
            self._finish()
        elif line.startswith(("<!--", "-->", "#", "{")):
            self._finish(marks_follow=line.startswith("#"))
            if line.startswith("#"):
                self._heading(line)
            elif line.startswith("{"):
                self._marks = self._parsed_marks(line)
            else:
                self._comment(line)
        else:
            self._close_title()
            self._texts.append(PlanLine(self._given(line.removeprefix("\\").strip(), "\\")))

    def _finish(self, *, marks_follow: bool = False) -> None:
        """What was being read is complete."""
        self._close_title()
        if self._texts:
            marks = self._taken(_OF_A_PARAGRAPH, "a paragraph")
            self._items.append(
                Block(tuple(self._texts), "heading" in marks, marks.get("speaker"), marks.get("language"))
            )
            self._texts = []
        elif self._marks is not None and not marks_follow:
            raise self._wrong("nothing follows the marks in the line before", "Write them directly above a paragraph.")

    def _close_title(self) -> None:
        if self._title is not None:
            self._items.append(self._title)
            self._title = None

    def _heading(self, line: str) -> None:
        title = line.lstrip("#")
        level = len(line) - len(title)
        if title[:1].strip():
            raise self._wrong("after # there is no space", "Write # and the title, or \\# if the text begins so.")
        if level > LEVELS_LIMIT:
            raise self._wrong(f"a chapter has at most {LEVELS_LIMIT} #", "Write fewer.")
        marks = self._taken(_OF_A_CHAPTER, "a chapter")
        text = self._given(title.strip(), "#")
        self._title = ChapterMark(text, level, "unspoken" not in marks, language=marks.get("language"))

    def _comment(self, first: str) -> None:
        begun, label = self._at, first.removeprefix("<!--").strip()
        if first == "-->":
            raise self._wrong("a comment ends that has not begun", "Delete the line.")
        if label.endswith("-->"):
            self._items.append(Comment(label.removesuffix("-->").strip()))
            return
        inside: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            self._at += 1
            if line.strip() == "-->":
                self._items.append(Comment(label, tuple(inside)))
                return
            inside.append(line)
        raise wrong(begun, "a comment begins and does not end", "Write --> in a line of its own where it ends.")

    def _say(self, say: str) -> None:
        self._given(say, "=")
        if self._title is not None and self._title.is_spoken:
            title = self._title
            self._items.append(ChapterMark(title.title, title.level, title.is_spoken, say, title.language))
            self._title = None
        elif self._texts and not self._texts[-1].say:
            last = self._texts[-1]
            self._texts[-1] = PlanLine(last.text, say, last.goes_on)
        else:
            raise self._wrong("= does not follow the line that it belongs to", "Write it directly below that line.")

    def _goes_on(self, text: str) -> None:
        self._given(text, "+")
        if not self._texts:
            raise self._wrong("+ continues nothing", "Write it directly below the line that it continues.")
        self._texts.append(PlanLine(text, goes_on=True))

    def _given(self, text: str, mark: str) -> str:
        if not text:
            raise self._wrong(f"after {mark} there is nothing", "Delete the line, or write something.")
        return text

    def _parsed_marks(self, line: str) -> dict[str, str]:
        try:
            return marking.parse(line)
        except ValueError as error:
            raise self._wrong(str(error), f"Known are {marking.KNOWN}; write \\{{ if the text begins so.") from error

    def _taken(self, known: AbstractSet[str], what: str) -> dict[str, str]:
        marks = self._marks or {}
        self._marks = None
        if other := sorted(marks.keys() - known):
            raise self._wrong(f"{other[0]} cannot be said of {what}", f"Known are {', '.join(sorted(known))}.")
        return marks

    def _wrong(self, what: str, hint: str) -> BadSource:
        return wrong(self._at, what, hint)
