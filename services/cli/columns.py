"""Columns of text as `podcast jobs` and `podcast dlq list` print them: aligned, and never wider than the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size

_GAP: Final = "  "
_LEAST_REST: Final = 10
"""The last column keeps at least this, however narrow the terminal is."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: its header.
        right: align to the right.
        least: its minimum width.
        most: maximum width; on a terminal, longer cells are shortened.
        rest: it takes the remaining width, and is shortened to it; only for the last column.
    """

    title: str
    right: bool = False
    least: int = 0
    most: int | None = None
    rest: bool = False


def terminal_width() -> int | None:
    """How wide stdout is; None if it is not a terminal, and nothing has to fit."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def rows(columns: Sequence[Column], cells: Sequence[Sequence[str]], *, width: int | None) -> list[str]:
    """The header, and a line for each row.

    Args:
        columns: from left to right.
        cells: one-line texts; each row has as many as there are columns.
        width: the width that a line must fit into; None: nothing is shortened.
    """
    lines = [[column.title for column in columns], *cells]
    widths: list[int] = []
    for index, column in enumerate(columns):
        if column.rest:
            taken = sum(widths) + len(_GAP) * len(widths)
            widths.append(0 if width is None else max(width - taken, _LEAST_REST))
            continue
        widest = max((cell_len(line[index]) for line in lines), default=0)
        most = column.most if width is not None and column.most is not None else widest
        widths.append(max(min(widest, most), column.least))
    return [
        _GAP.join(
            _cell(text, column, size, is_fixed=width is not None)
            for text, column, size in zip(line, columns, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def _cell(text: str, column: Column, size: int, *, is_fixed: bool) -> str:
    if column.rest and not is_fixed:
        return text
    if is_fixed and cell_len(text) > size:
        text = fitted(text, size)
    padding = " " * (size - cell_len(text))
    return padding + text if column.right else text + padding


def fitted(text: str, width: int) -> str:
    """The text in at most `width` columns of a terminal, where some letters take two columns; it ends in … if cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"
