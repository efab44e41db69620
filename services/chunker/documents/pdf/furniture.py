"""Running heads and feet, page numbers: what stands at the edge of one page after the other."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.chunker.documents.pdf.lines import Segment

_EDGE_ROWS: Final = 3
"""How many rows at each edge may be furniture."""
_TOP_SHARE: Final = 0.16
_BOTTOM_SHARE: Final = 0.84
_LARGEST: Final = 1.2
_APART_EM: Final = 1.45
_OFTEN: Final = 5
_OFTEN_SHARE: Final = 0.4
"""A row close to the text is furniture only if it is on so many pages."""
_ROMAN = re.compile(r"(?<![^\W\d_])[ivxlcdm]{1,8}(?![^\W\d_])", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_NUMBER_ALONE = re.compile(
    r"\W*(?:(?:page|seite|p\.|s\.|p\u00e1gina|pagina|strona|sida)\s*)?(?:\d{1,4}|[ivxlcdm]{1,8})(?:\s*(?:/|of|von|de|sur|di|van|z|av)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:^\W*(\d{1,4})\b)|(?:\b(\d{1,4})\W*$)")
_LONGEST_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True)
class _Row:
    page: int
    index: int
    text: str
    y: float
    from_bottom: bool
    depth: int
    is_apart: bool
    """Whether white space is between it and the text."""

    @property
    def key(self) -> str:
        return _ROMAN.sub("#", _DIGITS.sub("#", " ".join(self.text.split()).casefold()))


def taken_out(
    pages: list[list[list[Segment]]], heights: list[float], names: Iterable[str] = ()
) -> list[tuple[int, str]]:
    """Remove furniture from the rows of all pages.

    Args:
        pages: rows of every page, from top to bottom; changed.
        heights: of the pages.
        names: title and author: with a number they are a running head, also on one page only.

    Returns:
        Page and text of what was removed.
    """
    sizes: Counter[float] = Counter()
    for page in pages:
        for row in page:
            sizes.update({round(part.size, 1): part.characters for part in row})
    usual = sizes.most_common(1)[0][0] if sizes else 0.0
    edges = [
        row
        for number, page in enumerate(pages)
        for row in _edges(page, number, heights[number])
        if max(part.size for part in page[row.index]) <= _LARGEST * usual  # not a heading
    ]
    condemned = _repeated(edges, len(pages)) | _numbered(edges, len(pages))
    condemned |= _named(edges, names)
    condemned |= _at_their_place(edges, condemned, len(pages))
    removed: list[tuple[int, str]] = []
    by_page: dict[int, set[int]] = defaultdict(set)
    for edge in edges:
        if edge in condemned and edge.index not in by_page[edge.page]:
            by_page[edge.page].add(edge.index)
            removed.append((edge.page, edge.text))
    for number, indexes in by_page.items():
        pages[number][:] = [row for index, row in enumerate(pages[number]) if index not in indexes]
    return removed


def _edges(page: list[list[Segment]], number: int, height: float) -> list[_Row]:
    found = []
    for from_bottom in (False, True):
        indexes = range(len(page))[::-1] if from_bottom else range(len(page))
        apart = _rows_apart([page[index] for index in indexes[: _EDGE_ROWS + 1]])
        for depth, index in enumerate(indexes[:_EDGE_ROWS]):
            y = page[index][0].y
            if (y < _BOTTOM_SHARE * height) if from_bottom else (y > _TOP_SHARE * height):
                break
            text = "".join(" " + piece.text for part in page[index] for piece in part.pieces)[:_LONGEST_CHARACTERS]
            found.append(_Row(number, index, " ".join(text.split()), y, from_bottom, depth, depth < apart))
    return found


def _rows_apart(rows: list[list[Segment]]) -> int:
    """How many rows at an edge are parted from the text by a gap; 0 if none is."""
    for number, (outer, inner) in enumerate(itertools.pairwise(rows), 1):
        if abs(outer[0].y - inner[0].y) >= _APART_EM * max(outer[0].size, inner[0].size):
            return number
    return len(rows) if len(rows) <= _EDGE_ROWS else 0


def _repeated(edges: list[_Row], pages: int) -> set[_Row]:
    """Rows whose text, numbers aside, stands at the same place of other pages."""
    alike: dict[tuple[str, bool], list[_Row]] = defaultdict(list)
    for row in edges:
        alike[(row.key, row.from_bottom)].append(row)
    enough = 2 if pages <= 6 else 3
    found: set[_Row] = set()
    for rows in alike.values():
        heights = Counter(round(row.y / 3) for row in rows)
        for row in rows:
            place = round(row.y / 3)
            often = sum(heights[place + step] for step in (-1, 0, 1))
            if often >= enough and (row.is_apart or often >= max(_OFTEN, _OFTEN_SHARE * pages)):
                found.add(row)
    return found


def _numbered(edges: list[_Row], pages: int) -> set[_Row]:
    """Rows that begin or end with a number that grows with the pages."""
    offsets: Counter[tuple[int, bool]] = Counter()
    numbers: list[tuple[_Row, list[int]]] = []
    for row in edges:
        if row.depth > 1 or not row.is_apart:
            continue
        values = [int(value) for match in _ENDS.finditer(row.text) for value in match.groups() if value]
        if values:
            numbers.append((row, values))
            offsets.update({(value - row.page, row.from_bottom) for value in values})
    enough = max(2, min(pages, 10) // 3)
    return {
        row
        for row, values in numbers
        if any(offsets[(value - row.page, row.from_bottom)] >= enough for value in values)
    }


def _named(edges: list[_Row], names: Iterable[str]) -> set[_Row]:
    """Rows behind the first page that are the title or the author of the document, and a page number."""
    wanted = {_words(name) for name in names} - {""}
    return {
        row
        for row in edges
        if row.page and not row.depth and row.is_apart and _ENDS.search(row.text) and _words(row.text) in wanted
    }


def _words(text: str) -> str:
    return "".join(filter(str.isalpha, _ENDS.sub(" ", text).casefold()))


def _at_their_place(edges: list[_Row], condemned: set[_Row], pages: int) -> set[_Row]:
    """Rows where other pages have their furniture: heads of a chapter with one page, Roman page numbers."""
    places = Counter((row.from_bottom, round(row.y)) for row in condemned)
    enough = min(5, max(2, pages // 2))
    found = set()
    for row in edges:
        often = sum(places[(row.from_bottom, round(row.y) + step)] for step in (-1, 0, 1))
        alone = _NUMBER_ALONE.fullmatch(row.text) is not None
        if row.depth == 0 and row.is_apart and (often >= enough or (alone and often >= 2)):
            found.add(row)
    return found
