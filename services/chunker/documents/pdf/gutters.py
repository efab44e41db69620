"""Pages in two columns: where the right one begins, and which rows stand across both."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

from services.chunker.documents.pdf import lines
from services.chunker.documents.pdf.lines import Segment

Rows = list[list[Segment]]

_FEWEST_LINES: Final = 8
"""In each column, on a page that shows by itself that it has two."""
_LONG_CHARACTERS: Final = 12
_AVERAGE_CHARACTERS: Final = 16
"""In a line of a column; cells of tables are shorter."""
_MIDDLE: Final = (0.35, 0.65)
"""Where the right column begins, as a share of the width of the text."""
_EDGE_POINTS: Final = 3.0
_ACROSS_POINTS: Final = 10.0
_FULL_SHARE: Final = 0.35
"""Of the lines of a column that reach its end: terms before their explanations do not."""
_NEAR_END: Final = 0.15
_ACROSS_SHARE: Final = 0.3
"""Of the rows of a page that shows no columns by itself, in a document that has them."""
_OVERHANG: Final = 0.25
"""A line that reaches this far into the right column at most, as a share of it, and stands alone, is too long."""


def found(pages: list[Rows]) -> list[float | None]:
    """For each page where its right column begins, in points; None for one that is not in two columns."""
    own = [_of_page(rows) for rows in pages]
    shown = [number for number, start in enumerate(own) if start is not None]
    if 2 * len(shown) < len(pages):
        return own
    return [
        start if start is not None else _fitting(rows, number, own, shown)
        for number, (rows, start) in enumerate(zip(pages, own, strict=True))
    ]


def parted(rows: Rows, start: float) -> list[tuple[Rows, Rows | None]]:
    """Bands of a page, from top to bottom: rows across both columns and None, or those of the left and the right one.

    Args:
        rows: of the page.
        start: where the right column begins.
    """
    parts = [half for row in rows for part in row for half in _halves(part, start)]
    rows = lines.rows(parts)
    are_full = [any(_is_across(part, start) for part in row) for row in rows]
    end = max((part.x1 for part in parts), default=start)
    bands: list[tuple[Rows, Rows | None]] = []
    sides: tuple[list[Segment], list[Segment]] = ([], [])
    full: Rows = []

    def close() -> None:
        if full:
            bands.append((full.copy(), None))
        if sides[0] or sides[1]:
            bands.append((lines.rows(sides[0]), lines.rows(sides[1])))
        full.clear()
        sides[0].clear()
        sides[1].clear()

    for index, row in enumerate(rows):
        beside = are_full[max(0, index - 1) : index] + are_full[index + 1 : index + 2]
        is_full = are_full[index] and (any(beside) or not _is_too_long(row, start, end))
        if is_full != bool(full):
            close()
        if is_full:
            full.append(row)
        else:
            for part in row:
                sides[part.x0 >= start - _EDGE_POINTS].append(part)
    close()
    return bands


def _of_page(rows: Rows) -> float | None:
    parts = [part for row in rows for part in row if part.characters >= _LONG_CHARACTERS]
    if len(parts) < 2 * _FEWEST_LINES:
        return None
    left, right = min(part.x0 for part in parts), max(part.x1 for part in parts)
    low, high = (left + share * (right - left) for share in _MIDDLE)
    starts = Counter(round(part.x0 / 2) for part in parts if low <= part.x0 <= high)
    if not starts:
        return None
    often = max(starts, key=lambda place: starts[place] + starts[place + 1])
    start = min(part.x0 for part in parts if round(part.x0 / 2) in {often, often + 1})
    on_left = [part for part in parts if part.x1 < start - _EDGE_POINTS]
    on_right = [part for part in parts if part.x0 >= start - _EDGE_POINTS]
    across = sum(_is_across(part, start) for part in parts)
    is_parted = across <= len(on_left) + len(on_right) and _is_column(on_left, start) and _is_column(on_right, right)
    return start if is_parted else None


def _is_column(parts: list[Segment], end: float) -> bool:
    """Whether lines fill the width from where they begin to `end`."""
    if len(parts) < _FEWEST_LINES or sum(part.characters for part in parts) < _AVERAGE_CHARACTERS * len(parts):
        return False
    width = end - min(part.x0 for part in parts)
    return sum(end - part.x1 <= _NEAR_END * width for part in parts) >= _FULL_SHARE * len(parts)


def _fitting(rows: Rows, number: int, own: list[float | None], shown: list[int]) -> float | None:
    """The columns of the nearest pages that show them, if they fit; those on the same side of the sheet first."""
    at = bisect_left(shown, number)
    near = sorted(shown[max(0, at - 2) : at + 2], key=lambda other: ((other - number) % 2, abs(other - number)))
    for start in (own[other] for other in near):
        if start is not None and _rows_across(rows, start) <= _ACROSS_SHARE * len(rows):
            return start
    return None


def _rows_across(rows: Rows, start: float) -> int:
    return sum(any(_is_across(part, start) for part in row) for row in rows)


def _is_across(part: Segment, start: float) -> bool:
    return part.x0 < start - _ACROSS_POINTS and part.x1 > start + _ACROSS_POINTS


def _is_too_long(row: list[Segment], start: float, end: float) -> bool:
    """Whether what reaches across in a row is a line of the left column that is too long for it."""
    return all(part.x1 - start <= _OVERHANG * (end - start) for part in row if _is_across(part, start))


def _halves(part: Segment, start: float) -> list[Segment]:
    """A segment, or two where lines of both columns were so close that they were taken for one."""
    pieces = sorted(part.pieces, key=lambda piece: piece.x0)
    at = next((at for at, piece in enumerate(pieces) if abs(piece.x0 - start) <= _EDGE_POINTS), 0)
    if at == 0 or start - max(piece.x1 for piece in pieces[:at]) < _EDGE_POINTS:
        return [part]
    return [Segment(pieces[:at]).settle(), Segment(pieces[at:]).settle()]
