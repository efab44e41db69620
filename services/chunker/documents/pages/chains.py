"""Puts pieces that may each stand in several places of a text in the order in which they came. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
"""From one place of a text to another."""


def heaviest_chain(candidates: list[list[tuple[Span, int]]]) -> list[Span | None]:
    """Places for pieces so that each stands behind the one before, and those that have one weigh as much as possible.

    Args:
        candidates: for each piece the spans where it may stand, each with the factor by which its length counts.

    Returns:
        for each piece its span; None for those that stand nowhere in this order.
    """
    ends = sorted({span[1] for spans in candidates for span, _ in spans})
    best = _Best(len(ends))
    links: list[tuple[int, Span, int]] = []  # a piece, its span, and the link before it
    for piece, spans in enumerate(candidates):
        made: list[tuple[int, int, int]] = []
        for span, factor in spans:
            weight, before = best.up_to(bisect_right(ends, span[0]))
            links.append((piece, span, before))
            made.append((bisect_left(ends, span[1]), weight + factor * (span[1] - span[0]), len(links) - 1))
        for place, weight, link in made:  # after all of them: a piece follows no other place of its own
            best.put(place, weight, link)
    chain: list[Span | None] = [None] * len(candidates)
    _, link = best.up_to(len(ends))
    while link >= 0:
        piece, span, link = links[link]
        chain[piece] = span
    return chain


class _Best:
    """The heaviest chain that ends at or before each place (a Fenwick tree of maxima)."""

    def __init__(self, size: int) -> None:
        self._tree: list[tuple[int, int]] = [(0, -1)] * (size + 1)

    def up_to(self, count: int) -> tuple[int, int]:
        """Weight and last link of the heaviest chain that ends in the first `count` places."""
        found = (0, -1)
        while count:
            found = max(found, self._tree[count])
            count &= count - 1
        return found

    def put(self, place: int, weight: int, link: int) -> None:
        """Remember a chain that ends at a place."""
        place += 1
        while place < len(self._tree):
            if self._tree[place][0] < weight:
                self._tree[place] = (weight, link)
            place += place & -place
