"""Chooses cuts in a long text by the words around them, so that an edit moves no cut far away from it. Pure.

If chunks were only filled one after another, an edit would move all cuts behind it until two happen to meet. In prose
they meet after a chunk or two; in a run without punctuation, or of sentences of one length, they may never meet.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

ANCHOR_SENTENCES: Final = 8
"""A sentence begins a chunk if its digest is the smallest among this many before it and as many behind it: about every
17th does, which costs one half-filled chunk in eight or so, and only in paragraphs of more than 16 sentences."""
_CONTEXT_CHARACTERS: Final = 24
"""On each side of a place inside a sentence: a few words."""


def anchors(paragraph: str, sentences: Sequence[tuple[int, int]]) -> frozenset[int]:
    """Indices of the sentences that begin a chunk, whatever is before them.

    Args:
        paragraph: the text.
        sentences: start and end of each.
    """
    reach = ANCHOR_SENTENCES
    if len(sentences) <= 2 * reach:
        return frozenset()
    digests = [_digest(paragraph[start:end]) for start, end in sentences]
    return frozenset(
        at
        for at in range(reach, len(digests) - reach)
        if digests[at] < min(digests[at - reach : at]) and digests[at] < min(digests[at + 1 : at + reach + 1])
    )


def best(paragraph: str, places: Sequence[int]) -> int:
    """The place to cut at, of several that are equally good."""
    reach = _CONTEXT_CHARACTERS
    return min(places, key=lambda at: (_digest(paragraph[max(0, at - reach) : at + reach]), at))


def _digest(text: str) -> int:
    """The same in every process and on every machine, unlike `hash`."""
    return zlib.crc32(text.encode())
