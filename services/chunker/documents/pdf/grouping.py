"""Lines to paragraphs: where one ends and the next begins, also from column to column and from page to page."""

from __future__ import annotations

import re
from typing import Final

from services.chunker.documents.pdf.lines import TextLine
from services.chunker.documents.pdf.measures import Measures
from services.chunker.documents.pdf.passages import Kind, Passage, sentence_ends
from services.chunker.documents.pdf.recognising import is_caption, is_figure

_INDENT_EM: Final = 0.8
_SAME_SIZE: Final = 0.07
_GAP: Final = 1.28
"""Distance of lines, as a multiple of the usual one, from which on they are two paragraphs."""
_BULLET = re.compile(
    r"(?:[\u2022\u2023\u25aa\u25cf\u25e6\u2043\u2219\u25a0\u25a1\u27a2\u2713*\u2013\u2014]|[-\u2212o\u00b7](?=\s))\s*\S"
)
_NUMBERED = re.compile(r"\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]\s")
_LABEL_WORDS: Final = 12
_HEADING_WORD = re.compile(r"[^\W\d_]{4}")
_LOOK_AHEAD: Final = 6
"""How many figures and notes may stand between two halves of a paragraph."""


def passages(pages: list[list[TextLine]], kinds: dict[int, Kind], measures: Measures) -> list[Passage]:
    """All lines, grouped."""
    made: list[Passage] = []
    for page in pages:
        current: Passage | None = None
        for index, line in enumerate(page):
            following = page[index + 1 : index + 3]
            kind = kinds.get(id(line)) or _kind(line, current, following, measures)
            if current is None or current.first.column != line.column or not _continues(current, line, kind, measures):
                current = Passage(kind)
                made.append(current)
            current.lines.append(line)
    for part in made:
        if part.kind in {"text", "item"} and is_caption(part.first.text):
            part.kind = "caption"
    for index, part in enumerate(made):
        if part.kind == "caption" and is_figure(part.first.text):
            _mark_figure(made, index, measures)
    return _across_breaks(made, measures)


def _kind(line: TextLine, current: Passage | None, following: list[TextLine], measures: Measures) -> Kind:
    if line.mono and not measures.is_mono:
        goes_on = (
            current is not None
            and current.kind in {"text", "item"}
            and current.last.column == line.column
            and _step(current.last, line, measures) <= _GAP
            and not sentence_ends(current.last.text)
            and line.x0 - current.last.x0 < _INDENT_EM * line.size
        )
        if goes_on:
            return "text"
        below = [other for other in following if other.column == line.column]
        if (
            below
            and not below[0].mono
            and all(other.x0 - line.x0 > _INDENT_EM * line.size for other in below)
            and len(line.text.split()) <= 4
        ):
            return "term"
        return "code"
    if (
        line.is_list_mark
        or _BULLET.match(line.text)
        or (_NUMBERED.match(line.text) and line.size <= 1.05 * measures.size and not line.bold)
    ):
        return "item"
    return "text"


def _step(above: TextLine, below: TextLine, measures: Measures) -> float:
    """Distance of two baselines, as a multiple of what is usual for their size."""
    return (below.y - above.y) / max(1.0, measures.leading * max(min(above.size, below.size), 0.9 * measures.size))


def _continues(part: Passage, line: TextLine, kind: Kind, measures: Measures) -> bool:
    """Whether a line belongs to the part before it."""
    above = part.last
    if kind in {"table", "contents", "code", "math"} or part.kind in {"table", "contents", "code", "math"}:
        return kind == part.kind and (kind != "code" or _step(above, line, measures) < 3)
    if kind == "footnote" or part.kind == "footnote":
        return kind == part.kind and not line.raised_start
    if kind == "term" or part.kind == "term":
        return False
    if (
        kind == "item"
        and not _is_dash_inside(above, line, measures)
        and (line.is_list_mark or _BULLET.match(line.text) or _NUMBERED.match(line.text))
    ):
        return False
    step = _step(above, line, measures)
    if not 0.3 < step <= _GAP or line.bold != above.bold or abs(line.size - above.size) > _SAME_SIZE * above.size:
        return False
    return not _begins_anew(part, line, measures)


def _is_dash_inside(above: TextLine, line: TextLine, measures: Measures) -> bool:
    """Whether a dash at the beginning of a line is one between words."""
    if line.text[:1] not in {"\u2013", "-", "\u2014"} or line.is_list_mark:
        return False
    same_edge = abs(line.x0 - above.x0) < _INDENT_EM * line.size or above.x0 > line.x0
    return same_edge and _step(above, line, measures) <= _GAP and not above.text.endswith((".", ":", "?", "!", ";"))


def _begins_anew(part: Passage, line: TextLine, measures: Measures) -> bool:  # noqa: PLR0911 - one sign after the other
    above = part.last
    em = line.size
    shift = line.x0 - above.x0
    width = max(1.0, line.right - line.left)
    room = line.right - above.x1
    ended = sentence_ends(above.text)
    if part.kind == "item":
        hanging = part.first.cells[1][0] if part.first.is_list_mark else part.first.x0
        if line.x0 < hanging - _INDENT_EM * em and line.x0 <= part.first.x0 + 1 and len(part.lines) > 1:
            return True
        return ended and room > 0.2 * width and line.x0 <= part.first.x0 + 1
    if shift > _INDENT_EM * em and len(part.lines) == 1:  # a first line, or one that hangs
        return ended or room > 0.15 * width
    if shift > _INDENT_EM * em:
        return True
    if shift < -_INDENT_EM * em and len(part.lines) > 1:
        return True
    if above.text.endswith("-") and line.text[:1].islower():
        return False
    if line.bold or line.size > 1.08 * measures.size:  # a heading's lines end where its words do
        return False
    if ended and room > 0.12 * width:
        return True
    first_word = len(line.text.split(maxsplit=1)[0]) * 0.6 * em
    return measures.is_justified and room > 0.3 * width and room > first_word + em


def _mark_figure(made: list[Passage], caption: int, measures: Measures) -> None:
    """The words of a picture are the short lines right above its caption; one that looks like a heading is none."""
    first = made[caption].first
    start = caption
    while start > 0 and _is_label(made[start - 1], first):
        start -= 1
    if start < caption and _looks_like_heading(made[start].first, measures):
        start += 1
    for part in made[start:caption]:
        part.kind = "figure"


def _is_label(part: Passage, caption: TextLine) -> bool:
    line = part.first
    if part.kind in {"table", "math", "code"}:
        return False
    if (line.page, line.column) != (caption.page, caption.column) or line.y > caption.y:
        return False
    words = " ".join(each.text for each in part.lines).split()
    narrow = all(each.x1 - each.x0 < 0.75 * max(1.0, each.right - each.left) for each in part.lines)
    return narrow and len(words) <= _LABEL_WORDS and not sentence_ends(part.last.text)


def _looks_like_heading(line: TextLine, measures: Measures) -> bool:
    return (line.bold or line.size > 1.05 * measures.size) and _HEADING_WORD.search(line.text) is not None


def _across_breaks(made: list[Passage], measures: Measures) -> list[Passage]:
    """Join paragraphs that go on in the next column or on the next page."""
    kept: list[Passage] = []
    joined: set[int] = set()
    for index, part in enumerate(made):
        if id(part) in joined:
            continue
        kept.append(part)
        if part.kind not in {"text", "item"}:
            continue
        at = index
        while (other := _rest(made, at, part, measures)) is not None:
            part.joined += made[other].lines
            joined.add(id(made[other]))
            at = other
    return kept


def _rest(made: list[Passage], index: int, part: Passage, measures: Measures) -> int | None:
    """The index of the part that goes on with `part`."""
    last = part.last
    if sentence_ends(last.text) and not last.text.endswith("-"):
        return None
    for other in range(index + 1, min(len(made), index + 1 + _LOOK_AHEAD)):
        candidate = made[other]
        first = candidate.first
        same_place = (first.page, first.column) == (last.page, last.column)
        if candidate.kind in {"caption", "footnote", "table", "contents", "figure"} or (
            candidate.kind == "math" and not same_place
        ):
            continue
        if candidate.kind == "math":
            return None
        if last.text.endswith("-") and candidate.kind == "text" and first.text[:1].islower():
            return other
        if same_place or candidate.kind != "text" or first.page - last.page > 2:
            return None
        alike = abs(first.size - last.size) <= _SAME_SIZE * last.size and first.bold == last.bold
        begins_small = first.text[:1].islower()
        full = last.right - last.x1 < 0.12 * max(1.0, last.right - last.left)
        fits = (
            begins_small
            or last.text.endswith(("-", ","))
            or (full and first.x0 - first.left < _INDENT_EM * measures.size)
        )
        return other if alike and fits else None
    return None
