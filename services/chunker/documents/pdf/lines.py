"""Pieces to lines: what stands on one baseline, side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services.chunker.documents.pdf.pieces import GlyphRun

_SAME_BASELINE_EM: Final = 0.12
_RAISED_EM: Final = 0.6
"""How far a superscript or subscript is from the baseline at most."""
_SMALL: Final = 0.85
_TOUCHING_EM: Final = 0.9
CELL_GAP_EM: Final = 1.4
"""A wider gap in a line is one between cells."""

_SUPERSCRIPT = str.maketrans(
    "0123456789+-\u2212()n",
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207a\u207b\u207b\u207d\u207e\u207f",
)
_MARK = re.compile(r"[\[(]?(?:\d{1,3}(?:[,\u2013-]\d{1,3})*|[*\u2020\u2021\u00a7\u00b6]{1,3}|[a-z])[\])]?,?")
_AFTER_A_WORD = re.compile(r"(?:[^\W\d_]{3}|[.,;:!?)\]\u201d\u201c\u2019\"\u00bb\u3002\u3001\u300d])$")
_BULLET = re.compile(
    r"[\u2022\u2023\u25aa\u25cf\u25e6\u2043\u2219\u00b7\u25a0\u25a1\u25cb\u2013\u2014*\u2713\u27a2o\u2212-]|\(?[0-9]{1,3}[.)]"
    r"|\(?[a-zA-Z][.)]|\(?[ivxlc]{1,6}[.)]|\[[0-9]{1,3}\]"
)


@dataclass(slots=True)
class Segment:
    """Pieces that belong together without a wide gap: a line, or a cell of one.

    Attributes:
        pieces: from left to right.
        x0: left end.
        x1: right end.
        y: baseline of its largest part.
        size: of most of its characters.
    """

    pieces: list[GlyphRun]
    x0: float = 0.0
    x1: float = 0.0
    y: float = 0.0
    size: float = 0.0
    characters: int = 0

    def settle(self) -> Segment:
        """Compute the measures from the pieces."""
        weights: Counter[tuple[float, float]] = Counter()
        for piece in self.pieces:
            weights[(piece.y, piece.size)] += len(piece.text.strip())
        (self.y, self.size), _ = weights.most_common(1)[0]
        self.x0 = min(piece.x0 for piece in self.pieces)
        self.x1 = max(piece.x1 for piece in self.pieces)
        self.characters = sum(weights.values())
        return self


@dataclass(slots=True)
class TextLine:
    """A line of a page.

    Attributes:
        page: its number, from 0.
        text: its words.
        x0: left end.
        x1: right end.
        y: baseline.
        size: of most of its characters.
        bold: whether most of it is bold.
        italic: whether all of it is italic.
        mono: whether most of it is in a typewriter's font.
        math: the share of its characters that are in a font for formulas.
        cells: texts and places, if it has wide gaps; else one.
        marks: marks of footnotes that were left out of `text`.
        left, right: edges of the column that it is in.
        column: number of the column on its page, in reading order.
    """

    page: int
    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool
    italic: bool
    mono: bool
    math: float
    cells: list[tuple[float, float, str]]
    marks: list[str] = field(default_factory=list)
    raised_start: str = ""
    left: float = 0.0
    right: float = 0.0
    column: int = 0

    @property
    def is_list_mark(self) -> bool:
        """Whether it begins with a bullet or a number apart from the rest."""
        return len(self.cells) > 1 and _BULLET.fullmatch(self.cells[0][2]) is not None


def segments(pieces: Sequence[GlyphRun]) -> list[Segment]:
    """Pieces that touch, in the order of the file, then those that touch although others were drawn in between."""
    made: list[list[GlyphRun]] = []
    for piece in pieces:
        if not piece.text.strip():
            continue
        if made and _touch(made[-1][-1], piece):
            made[-1].append(piece)
        else:
            made.append([piece])
    return _joined([Segment(part).settle() for part in made])


def _touch(one: GlyphRun, other: GlyphRun) -> bool:
    larger = max(one.size, other.size)
    gap = other.x0 - one.x1
    if not -0.6 * larger < gap < _TOUCHING_EM * larger:
        return False
    apart = abs(one.y - other.y)
    if apart <= _SAME_BASELINE_EM * larger:
        return True
    return apart <= _RAISED_EM * larger and min(one.size, other.size) <= _SMALL * larger and gap < 0.4 * larger


def _joined(parts: list[Segment]) -> list[Segment]:
    """Join segments of one baseline, whatever order they were drawn in."""
    parts.sort(key=lambda part: (round(part.y, 1), part.x0))
    done: list[Segment] = []
    for part in parts:
        if done:
            before = done[-1]
            larger = max(before.size, part.size)
            if (
                abs(before.y - part.y) <= _SAME_BASELINE_EM * larger
                and -0.6 * larger < part.x0 - before.x1 < _TOUCHING_EM * larger
            ):
                before.pieces += part.pieces
                before.settle()
                continue
        done.append(part)
    return _with_small_parts(done)


def _with_small_parts(parts: list[Segment]) -> list[Segment]:
    """Put superscripts and subscripts that were drawn apart into the line that they touch."""
    kept: list[Segment] = []
    for index, part in enumerate(parts):
        for other in parts[max(0, index - 6) : index + 7] if part.characters <= 3 else ():
            touches = -0.2 * other.size < part.x0 - other.x1 < 0.3 * other.size
            if touches and part.size <= _SMALL * other.size and abs(part.y - other.y) <= _RAISED_EM * other.size:
                other.pieces += part.pieces
                other.settle()
                break
        else:
            kept.append(part)
    return kept


def rows(parts: list[Segment]) -> list[list[Segment]]:
    """Segments by baseline, from top to bottom, each row from left to right."""
    made: list[list[Segment]] = []
    for part in sorted(parts, key=lambda part: part.y):
        if made and abs(made[-1][0].y - part.y) <= 0.3 * max(made[-1][0].size, part.size):
            made[-1].append(part)
        else:
            made.append([part])
    for row in made:
        row.sort(key=lambda part: part.x0)
    return made


def text_line(row: list[Segment], page: int) -> TextLine:
    """The line that a row is."""
    sizes: Counter[float] = Counter()
    bold = italic = mono = total = 0
    mathematical = 0
    marks: list[str] = []
    cells: list[tuple[float, float, str]] = []
    main = max(row, key=lambda part: part.characters)
    raised_start = ""
    for part in row:
        text = ""
        for piece in part.pieces:
            weight = len(piece.text.strip())
            sizes[round(piece.size, 1)] += weight
            total += weight
            bold += weight * piece.style.bold
            italic += weight * piece.style.italic
            mono += weight * piece.style.mono
            mathematical += weight * piece.style.math
            shown, mark = _raised(piece, part, text)
            if mark and not text and not cells:
                raised_start = mark
                continue
            if mark:
                marks.append(mark)
            text = _append(text, shown, piece, part)
        text = " ".join(text.split())
        if not text:
            continue
        if (
            cells
            and part.x0 - cells[-1][1] < CELL_GAP_EM * main.size
            and not (len(cells) == 1 and _BULLET.fullmatch(cells[0][2]))
        ):
            cells[-1] = (cells[-1][0], part.x1, f"{cells[-1][2]} {text}")
        else:
            cells.append((part.x0, part.x1, text))
    total = max(1, total)
    return TextLine(
        page=page,
        text=" ".join(cell[2] for cell in cells),
        x0=row[0].x0,
        x1=max(part.x1 for part in row),
        y=main.y,
        size=sizes.most_common(1)[0][0],
        bold=bold >= 0.6 * total,
        italic=italic >= 0.9 * total,
        mono=mono >= 0.85 * total,
        math=mathematical / total,
        cells=cells,
        marks=marks,
        raised_start=raised_start,
    )


def _append(text: str, shown: str, piece: GlyphRun, part: Segment) -> str:
    if not shown.startswith(" ") and text:
        before = max(
            (other.x1 for other in part.pieces if other is not piece and other.x1 <= piece.x0 + 0.3 * piece.size),
            default=piece.x0,
        )
        if piece.x0 - before > 0.2 * max(piece.size, 1.0):
            return f"{text} {shown}"
    return text + shown


def _raised(piece: GlyphRun, part: Segment, before: str) -> tuple[str, str]:
    """What is said of a piece, and the mark of a footnote if it is one."""
    if piece.size > _SMALL * part.size or part.y - piece.y < 0.15 * part.size:
        return piece.text, ""
    text = piece.text.strip()
    if (not before.strip() or _AFTER_A_WORD.search(before.rstrip())) and _MARK.fullmatch(text):
        return "", text
    return piece.text.translate(_SUPERSCRIPT), ""
