"""Lists that commands print: a table for people, or one JSON document for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from services.cli import printing
from services.cli.columns import Column, rows, terminal_width

Item = TypeVar("Item")


def say(
    found: Sequence[Item], columns: Sequence[Column], row: Callable[[Item], list[str]], *, empty: str, as_json: bool
) -> None:
    """Print a list.

    Args:
        found: what is in it; JSON can hold it.
        columns: of the table.
        row: the cells of one item, each on one line.
        empty: what people are told if there is nothing in it.
        as_json: print the JSON document.
    """
    if as_json:
        printing.say_json(found)
    elif found:
        printing.say("\n".join(rows(columns, [row(one) for one in found], width=terminal_width())))
    else:
        printing.note(empty)
