"""Headings and chapters: from the outline where there is one, else from size, weight and place."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import Final

from services.chunker.documents.pdf.measures import Measures
from services.chunker.documents.pdf.passages import Joining, Passage
from services.chunker.documents.pdf.pieces import Bookmark

_LARGER: Final = 1.1
_LONGEST_CHARACTERS: Final = 200
_MOST_LINES: Final = 5
_MOST_WORDS: Final = 14
"""Of a heading in bold; a longer one is a sentence that somebody wants to be noticed."""
_NUMBERED = re.compile(
    r"(?:(?:chapter|section|appendix|part|kapitel|abschnitt|anhang|teil|chapitre|annexe|cap\u00edtulo|capitolo)\s+\S{1,6}|[A-Z]?\d{1,2}(?:\.\d{1,3}){0,4}\.?|[IVXLC]{1,6}\.|[A-Z]\.)\s+\S",
    re.IGNORECASE,
)
_SECTION = re.compile(r"[A-Z]?\d{1,2}(?:\.\d{1,3}){1,4}\.?\s+\S")
_BULLET = re.compile(r"[\u2022\u2023\u25aa\u25cf\u25e6\u2013*-]")
_FINAL = re.compile(r"[.;,:]$")
_NEAR_POINTS: Final = 60.0
_COMMON_SHARE: Final = 0.2
_FEWEST_NUMBERED: Final = 3


def mark(parts: list[Passage], outline: list[Bookmark], measures: Measures, joining: Joining) -> None:
    """Find the headings among the parts, and set their levels."""
    candidates = [part for part in parts if _may_be_heading(part, measures)]
    styles = Counter[tuple[float, bool]]()
    for part in candidates:
        styles[_style(part)] += sum(len(line.text) for line in part.lines)
    total = sum(len(line.text) for part in parts if part.kind == "text" for line in part.lines) or 1
    for part in candidates:
        if styles[_style(part)] <= _COMMON_SHARE * total:
            part.kind = "heading"
    _without_terms(parts, measures)
    _by_outline(parts, outline, joining)
    _levels(parts, deepest=max((entry.level for entry in outline), default=0))


def _without_terms(parts: list[Passage], measures: Measures) -> None:
    """Bold words before an indented text are a term that it explains; names below a title are no headings."""
    for part, following in itertools.pairwise(parts):
        if part.kind != "heading":
            continue
        first, after = part.first, following.first
        # Only a first line that is indented is how paragraphs begin.
        body = min(line.x0 for line in following.lines[1:] or [after])
        indented = after.page == first.page and after.column == first.column and body - first.x0 > measures.size
        near = after.page == first.page and after.column == first.column
        step = (after.y - part.lines[-1].y) / max(1.0, measures.leading * measures.size)
        text = part.lines[-1].text
        runs_on = near and step < 1.15 and following.kind == "text" and (after.text[:1].islower() or text.endswith("-"))
        if text.isupper() and len(text) > 3:
            continue
        if first.size < _LARGER * measures.size and runs_on:
            part.kind = "text"
        elif (
            first.size < _LARGER * measures.size
            and indented
            and following.kind in {"text", "code", "item"}
            and not _SECTION.match(part.first.text)
        ):
            part.kind = "term"
    _numbered(parts)
    for part, following in itertools.pairwise(parts):
        numbered = _NUMBERED.match(part.first.text) is not None
        if part.kind == "heading" and part.first.page == 0 and following.kind == "heading" and not numbered:
            part.kind = "text" if following.first.page == 0 and part is not _largest(parts) else part.kind


def _numbered(parts: list[Passage]) -> None:
    """In a document whose sections have numbers, a bold line that has one is a section too."""
    found = [part for part in parts if part.kind in {"heading", "term"} and _NUMBERED.match(part.first.text)]
    if sum(part.kind == "heading" for part in found) >= _FEWEST_NUMBERED:
        for part in found:
            part.kind = "heading" if part.first.bold else part.kind


def _largest(parts: list[Passage]) -> Passage:
    return max((part for part in parts if part.first.page == 0), key=lambda part: part.first.size)


def _style(part: Passage) -> tuple[float, bool]:
    return round(part.first.size * 2) / 2, part.first.bold


def _may_be_heading(part: Passage, measures: Measures) -> bool:
    if part.kind not in {"text", "item"} or len(part.lines) > _MOST_LINES or part.joined:
        return False
    text = " ".join(line.text for line in part.lines)
    if len(text) > _LONGEST_CHARACTERS or not any(character.isalpha() for character in text) or _BULLET.match(text):
        return False
    first = part.first
    if first.size >= _LARGER * measures.size:
        return True
    if first.size < 0.97 * measures.size or first.mono:
        return False
    numbered = _NUMBERED.match(text) is not None
    if all(line.bold for line in part.lines):
        begins = text[0].isupper() or text[0].isdigit() or not text[0].isalpha()
        words = len(text.split())
        return (
            (numbered or part.kind == "text")
            and begins
            and words <= _MOST_WORDS + 6 * numbered
            and not _FINAL.search(text)
            and len(part.lines) <= 2
        )
    capitals = text.isupper() and len(text) > 3 and len(part.lines) == 1
    return capitals and not _FINAL.search(text) and part.kind == "text"


def key(text: str) -> str:
    """A title without case, spaces and punctuation."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _by_outline(parts: list[Passage], outline: list[Bookmark], joining: Joining) -> None:
    """Let each entry of the outline name the part that it leads to."""
    by_page: dict[int, list[Passage]] = {}
    for part in parts:
        by_page.setdefault(part.first.page, []).append(part)
    for entry in outline:
        best: tuple[float, Passage] | None = None
        wanted = key(entry.title)
        for page in (entry.page, entry.page + 1):
            for part in by_page.get(page, []):
                if part.title or part.kind not in {"heading", "text", "item", "term"}:
                    continue
                found = _alike(part, wanted, joining)
                if not found:
                    continue
                far = abs(part.first.y - entry.y) if entry.y is not None and page == entry.page else part.first.y
                worth = (
                    (far if page == entry.page else far + 10_000) + (0 if part.kind == "heading" else 500) + found * 200
                )
                if best is None or worth < best[0]:
                    best = (worth, part)
        if best is not None:
            best[1].kind = "heading"
            best[1].title = entry.title
            best[1].level = entry.level


def _alike(part: Passage, wanted: str, joining: Joining) -> int:
    """1: its words are the title's, 2: after a number, 0: not."""
    if len(part.lines) > _MOST_LINES or not wanted:
        return 0
    words = key(joining.text(part.lines))
    if words == wanted:
        return 1
    longer, shorter = (words, wanted) if len(words) > len(wanted) else (wanted, words)
    near = longer.endswith(shorter) and len(longer) - len(shorter) <= 14
    return 2 if near and len(shorter) >= 2 else 0


def _levels(parts: list[Passage], deepest: int) -> None:
    """Levels of headings that no outline names: by size and weight, larger ones first."""
    named = {_style(part): part.level for part in parts if part.kind == "heading" and part.title}
    others = {_style(part) for part in parts if part.kind == "heading" and not part.title}
    if deepest:
        for part in parts:
            if part.kind == "heading" and not part.title:
                part.level = named.get(_style(part), deepest + 1)
        return
    order = {style: number for number, style in enumerate(sorted(others, reverse=True), 1)}
    for part in parts:
        if part.kind == "heading":
            part.level = min(6, order[_style(part)])
