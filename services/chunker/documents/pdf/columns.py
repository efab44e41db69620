"""The reading order of a page: columns one after the other, whole lines where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.chunker.documents.pdf import gutters, lines
from services.chunker.documents.pdf.lines import Segment, TextLine

GUTTER_POINTS: Final = 7.0
"""Journals leave at least 9 points between columns."""
_FEWEST_LINES: Final = 4
_FEWEST_CHARACTERS: Final = 16
"""In a line of a column, on the average; cells of tables are shorter."""
_DEPTH_LIMIT: Final = 6

Gap = tuple[float, float]


def in_order(rows: list[list[Segment]], page: int, start: float | None = None) -> list[TextLine]:
    """The lines of a page in reading order, each with the edges of its column.

    Args:
        rows: of the page.
        page: its number, from 0.
        start: where the right one of two columns begins, if that is known (`gutters.py`).
    """
    found: list[TextLine] = []
    for number, region in enumerate(_regions(rows, _DEPTH_LIMIT) if start is None else _of_two(rows, start)):
        made = [lines.text_line(row, page) for row in region]
        made = [each for each in made if each.text]
        if not made:
            continue
        left = min(each.x0 for each in made)
        right = max(each.x1 for each in made)
        for each in made:
            each.left, each.right, each.column = left, right, number
        found += made
    return found


def _of_two(rows: list[list[Segment]], start: float) -> list[list[list[Segment]]]:
    """The regions of a page in two columns."""
    regions: list[list[list[Segment]]] = []
    for left, right in gutters.parted(rows, start):
        for side in (left, right or []):
            regions += _regions(side, _DEPTH_LIMIT - 1)
    return regions


def _regions(rows: list[list[Segment]], depth: int) -> list[list[list[Segment]]]:
    """Rows that are read one below the other, region by region."""
    regions: list[list[list[Segment]]] = []
    whole: list[list[Segment]] = []
    for group, gap in _groups(rows) if depth else [(rows, None)]:
        if gap is None:
            whole += group
            continue
        if whole:
            regions.append(whole)
            whole = []
        for is_left in (True, False):
            side = [part for row in group for part in row if (part.x1 <= gap[1] - 0.5 * (gap[1] - gap[0])) == is_left]
            regions += _regions(lines.rows(side), depth - 1)
    if whole:
        regions.append(whole)
    return regions


def _groups(rows: list[list[Segment]]) -> list[tuple[list[list[Segment]], Gap | None]]:
    """Successive rows that leave the same gutter free, with the gutter; or rows that leave none."""
    if not rows:
        return []
    left = min(part.x0 for row in rows for part in row)
    right = max(part.x1 for row in rows for part in row)
    made: list[tuple[list[list[Segment]], Gap | None]] = []
    group: list[list[Segment]] = []
    gaps: list[Gap] = []
    for row in rows:
        free = _free(row, left, right)
        common = _intersection(gaps, free) if group else free
        if group and not common:
            made += _checked(group, gaps)
            group, common = [], free
        group.append(row)
        gaps = common
    return made + _checked(group, gaps)


def _checked(group: list[list[Segment]], gaps: list[Gap]) -> list[tuple[list[list[Segment]], Gap | None]]:
    parts = [part for row in group for part in row]
    for gap in sorted(gaps, key=lambda gap: gap[0] - gap[1]):
        left = [part for part in parts if part.x1 <= gap[0] + 0.1]
        right = [part for part in parts if part.x0 >= gap[1] - 0.1]
        if _is_column(left) and _is_column(right) and len(left) + len(right) == len(parts):
            return _trimmed(group, gap)
    return [(group, None)]


def _trimmed(group: list[list[Segment]], gap: Gap) -> list[tuple[list[list[Segment]], Gap | None]]:
    """The group without rows at its top that are on one side only: they stand above both columns if they are apart."""
    both = [index for index, row in enumerate(group) if row[0].x1 <= gap[0] + 0.1 and row[-1].x0 >= gap[1] - 0.1]
    if not both:
        return [(group, gap)]
    first = both[0]
    while first > 0:
        above, below = group[first - 1][0], group[first][0]
        if below.y - above.y > 2.2 * max(above.size, below.size) or above.size > 1.15 * below.size:
            break
        first -= 1
    head: list[tuple[list[list[Segment]], Gap | None]] = [(group[:first], None)] if first else []
    return [*head, (group[first:], gap)]


def _is_column(parts: Sequence[Segment]) -> bool:
    if len(parts) < _FEWEST_LINES:
        return False
    return sum(part.characters for part in parts) >= _FEWEST_CHARACTERS * len(parts)


def _free(row: list[Segment], left: float, right: float) -> list[Gap]:
    """The parts of a row's width that nothing is on."""
    made: list[Gap] = []
    at = left
    for part in row:
        if part.x0 - at >= GUTTER_POINTS:
            made.append((at, part.x0))
        at = max(at, part.x1)
    if right - at >= GUTTER_POINTS:
        made.append((at, right))
    return made


def _intersection(one: list[Gap], other: list[Gap]) -> list[Gap]:
    made: list[Gap] = []
    i = j = 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if high - low >= GUTTER_POINTS:
            made.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return made
