"""Tables, read row by row: "Header: cell; Header: cell."."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from services.chunker.documents.inlines import Node, plain

_FRAMED_TEXT_CHARACTERS: Final = 200

Say = Callable[[list[Node]], str]


def only_cell(content: list[Any]) -> list[Node] | None:
    """The blocks of a table that has but one cell with something in it: a frame around text; None otherwise.

    One with a caption or a picture is none: that is how word processors keep a picture and its caption together.
    """
    # A short one is more likely the last that is left of a table.
    filled = [] if content[1][1] else [cell[4] for row in _rows(content) for cell in row if cell[4]]
    is_frame = len(filled) == 1 and '"Image"' not in json.dumps(filled)
    return filled[0] if is_frame and len(plain(filled)) >= _FRAMED_TEXT_CHARACTERS else None


def rows(content: list[Any], say: Say) -> list[str]:
    """What is said of each row of a table of pandoc's.

    Args:
        content: of the node `Table`.
        say: the words of a cell.
    """
    heads = [row[1] for row in content[3][1]]
    bodies = [row[1] for body in content[4] for row in (*body[2], *body[3])] + [row[1] for row in content[5][1]]
    names = [say(cell[4]) for cell in heads[-1]] if heads else []
    return [text for row in bodies if (text := row_of(names, [say(cell[4]) for cell in row]))]


def row_of(names: list[str], cells: list[str]) -> str:
    """One row."""
    named = (
        f"{names[place]}: {cell}" if place < len(names) and names[place] else cell
        for place, cell in enumerate(cells)
        if cell
    )
    text = "; ".join(part.rstrip(";. ") for part in named)
    return f"{text}." if text else ""


def _rows(content: list[Any]) -> list[list[Any]]:
    parts = (content[3][1], *(part for body in content[4] for part in body[2:]), content[5][1])
    return [row[1] for part in parts for row in part]
