"""Puts two readings of one document side by side: what is spoken, and where something is left out between it.

Linear: each item is looked for ahead only so far. If the two differ by more than what is left out, a comment may stand
in another place; what is spoken, and its order, is always that of the first reading.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.plans.model import Item

_AHEAD_LIMIT: Final = 500
"""How many items may be left out between two that are spoken and found again."""


@dataclass(frozen=True, slots=True)
class Together:
    """What is left out, and what is spoken after it.

    Attributes:
        left_out: may be empty.
        kept: None: nothing follows.
    """

    left_out: tuple[Item, ...]
    kept: Item | None


def together(kept: Sequence[Item], everything: Sequence[Item]) -> Iterator[Together]:
    """Each item that is kept, with those before it that only `everything` has."""
    places: dict[Item, list[int]] = defaultdict(list)
    for place, item in enumerate(everything):
        places[item].append(place)
    at = 0
    for item in kept:
        found = places.get(item, [])
        index = bisect_left(found, at)
        if index == len(found) or found[index] - at > _AHEAD_LIMIT:
            yield Together((), item)
            continue
        yield Together(tuple(everything[at : found[index]]), item)
        at = found[index] + 1
    if at < len(everything):
        yield Together(tuple(everything[at:]), None)
