"""What is usual in a document: the size of its text, the distance of its lines, the edges of its columns."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final

from services.chunker.documents.pdf.lines import TextLine

_EDGE_POINTS: Final = 2.0
_JUSTIFIED_SHARE: Final = 0.4
_FEW_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Measures:
    """What is usual.

    Attributes:
        size: of the text, in points.
        leading: from one baseline to the next, as a multiple of the size.
        is_mono: whether the text itself is in a typewriter's font.
        is_justified: whether most lines end at the edge of their column.
    """

    size: float
    leading: float
    is_mono: bool
    is_justified: bool


def take(pages: list[list[TextLine]]) -> Measures:
    """Measure all lines, and set their columns' edges to where most lines end."""
    sizes: Counter[float] = Counter()
    typed: Counter[float] = Counter()
    steps: Counter[float] = Counter()
    mono = total = 0
    for page in pages:
        for line in page:
            (typed if line.mono else sizes)[round(line.size * 2) / 2] += len(line.text)
            mono += len(line.text) * line.mono
            total += len(line.text)
    is_mono = mono > 0.6 * max(1, total)
    of_text = typed if is_mono else sizes
    size = of_text.most_common(1)[0][0] if of_text else 10.0
    for page in pages:
        for above, below in itertools.pairwise(page):
            if above.column == below.column and abs(below.size - size) < 1 and abs(above.size - size) < 1:
                step = round((below.y - above.y) / max(size, 1.0), 1)
                if 0.8 <= step <= 3.5:
                    steps[step] += len(below.text)
    leading = steps.most_common(1)[0][0] if steps else 1.2
    at_edge = _edges(pages)
    return Measures(size, leading, is_mono, at_edge)


def _edges(pages: list[list[TextLine]]) -> bool:
    usual: Counter[tuple[int, int]] = Counter()
    reaching = lines = 0
    for page in pages:
        columns: dict[int, list[TextLine]] = defaultdict(list)
        for line in page:
            columns[line.column].append(line)
        for column in columns.values():
            ends = Counter(round(line.x1 / _EDGE_POINTS) for line in column)
            end, often = ends.most_common(1)[0]
            near = often + ends[end - 1] + ends[end + 1]
            if near >= _JUSTIFIED_SHARE * len(column) and len(column) >= _FEW_LINES:
                right = (end + 1) * _EDGE_POINTS
                usual[(round(column[0].left / 4), end)] += len(column)
                reaching += near
            elif len(column) < _FEW_LINES and usual:
                # A page with a few lines has the edges of the others.
                (left, end), _ = usual.most_common(1)[0]
                alike = abs(column[0].left - left * 4) < 4 * 10
                right = max(column[0].right, end * _EDGE_POINTS if alike else 0.0)
            else:
                right = column[0].right
            lines += len(column) if len(column) >= _FEW_LINES else 0
            for line in column:
                line.right = right
    return reaching >= _JUSTIFIED_SHARE * max(1, lines)
