"""Paragraphs out of lines: joined where they were broken to fit, kept where they were meant to be lines."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.chunker.documents.plain_text import join_lines
from services.chunker.documents.text.rows import indent_of

SENTENCE_END = re.compile(r"[.!?:\u2026][\"'\u2019\u201d\u00bb)\]]{0,3}$")
_HYPHEN = re.compile(r"[^\W\d_]-$")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+){0,3}-$")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_SLACK = 0.9
_CLEARLY_SHORT = 0.75
_NARROW = 0.6
UNWRAPPED_CHARACTERS = 130
_FEWEST_BREAKS = 2
_WIDE_ENOUGH = 40
"""Characters: narrower lines are no measure for others."""

_FULL = 0.9
"""One line in ten may be longer: an address, a row of a table."""

_DEEPEST = 40
_ENOUGH_LINES = 100
_BROKEN_SHARE = 0.02
"""Where words are broken, one line in ten or twenty ends in a hyphen; where not, only a compound does now and then."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the lines of a text are broken.

    Attributes:
        width: of full lines, in characters; 0 if lines are paragraphs.
        body_indent: the indentation that most lines have.
        words: all words with a hyphen inside them, and without, in lower case; empty if no line ends in a hyphen.
        breaks_words: whether words are broken at the ends of lines; else a hyphen there belongs to its word.
    """

    width: int
    body_indent: int
    words: frozenset[str]
    breaks_words: bool = True


def shape_of(groups: list[tuple[str, ...]]) -> Shape:
    """Measure a text by the lines of each of its groups."""
    lengths: list[int] = []
    indents: dict[int, int] = {}
    hyphens = 0
    for lines in groups:
        lengths += [len(line) for line in lines[:-1]]
        hyphens += sum(_HYPHEN.search(line[-2:]) is not None for line in lines[:-1])
        for line in lines:
            indent = min(indent_of(line), _DEEPEST)
            indents[indent] = indents.get(indent, 0) + len(line)
    lengths.sort()
    width = lengths[int(_FULL * (len(lengths) - 1))] if lengths else 0
    return Shape(
        width=0 if width > UNWRAPPED_CHARACTERS else width,
        body_indent=max(indents, key=lambda indent: indents[indent], default=0),
        words=frozenset(_words_in(groups)) if hyphens else frozenset(),
        breaks_words=len(lengths) < _ENOUGH_LINES or hyphens >= _BROKEN_SHARE * len(lengths),
    )


def _words_in(groups: list[tuple[str, ...]]) -> Iterator[str]:
    """The words of a text, without those that are broken at the end of a line."""
    for lines in groups:
        broken = False
        for line in lines:
            found = [word.lower() for word in _WORD.findall(line)]
            starts = found[1:] if broken else found
            broken = _HYPHEN.search(line[-2:]) is not None
            yield from starts[:-1] if broken else starts


def joined(lines: list[str], shape: Shape) -> str:
    """Wrapped lines on one line; words that are broken at a line's end are whole again."""
    parts: list[str] = []
    for line in lines:
        text = line.strip()
        if parts and (whole := _whole(parts[-1], text, shape)):
            parts[-1] = whole
        else:
            parts.append(text)
    return join_lines("\n".join(parts))


def _whole(before: str, after: str, shape: Shape) -> str:
    """Two lines as one, if the first ends in the middle of a word."""
    if before.endswith("\u00ad"):
        return before[:-1] + after
    if not _HYPHEN.search(before[-2:]) or not after[:1].islower():
        return ""
    tail = before[-60:]
    last, first = _LAST_WORD.search(tail), _FIRST_WORD.match(after)
    if last is None or first is None:
        return ""
    left, right = last.group()[:-1].lower(), first.group().lower()
    if left.rpartition("-")[2] + right in shape.words or left + right in shape.words:
        return before[:-1] + after
    both_are_words = left.rpartition("-")[2] in shape.words and right in shape.words
    if f"{left}-{right}" in shape.words or both_are_words:
        return before + after
    return before[:-1] + after if shape.breaks_words else before + after


def paragraphs_of(lines: list[str], shape: Shape) -> Iterator[str]:
    """The paragraphs in lines that follow each other: one if they are wrapped, one a line if they are not."""
    if shape.width == 0 or _are_kept(lines, shape):
        yield from _lines_that_end(lines)
        return
    local = max(map(len, lines))
    part: list[str] = []
    for line in lines:
        if part and _begins_paragraph(part, line, local, shape):
            yield joined(part, shape)
            part = []
        part.append(line)
    yield joined(part, shape)


def _begins_paragraph(part: list[str], line: str, local: int, shape: Shape) -> bool:
    before = part[-1]
    begins = line.lstrip()[:1]
    if begins.islower():
        return False
    early = _is_early(before, line, _CLEARLY_SHORT * local)
    if SENTENCE_END.search(before):
        return early or (indent_of(line) >= indent_of(before) + 2 and len(part) > 1)
    return early and (len(before) < _NARROW * max(local, shape.width) and indent_of(line) > indent_of(before))


def _is_early(line: str, after: str, width: float) -> bool:
    """Whether the first word of the next line would have had room on this one."""
    return len(line) + 1 + len(after.split(None, 1)[0]) <= width


def _are_kept(lines: list[str], shape: Shape) -> bool:
    """Whether the lines are meant to stay lines, as in verse and addresses."""
    breaks = len(lines) - 1
    if breaks < 1:
        return False
    local = max(map(len, lines))
    early = sum(_is_early(line, after, _SLACK * local) for line, after in itertools.pairwise(lines))
    if breaks >= _FEWEST_BREAKS and 2 * early > breaks:
        return True
    return (
        shape.width >= _WIDE_ENOUGH
        and local < _NARROW * shape.width
        and not any(line.lstrip()[:1].islower() for line in lines)
    )


def _lines_that_end(lines: list[str]) -> Iterator[str]:
    """Lines as they are; one that ends in the middle of a sentence goes on in the next if that begins in lower case."""
    part = ""
    for line in lines:
        text = " ".join(line.split())
        if part and (not text[:1].islower() or SENTENCE_END.search(part)):
            yield part
            part = ""
        part = f"{part} {text}".strip()
    if part:
        yield part
