"""Finds what an extractor has chosen in the page that it chose it from.

trafilatura returns a document of its own, in which inline code has become blocks and languages, alternative texts and
much of the structure are gone. Only its words are used here: they are looked for in the page, in order, and the parts
of the page that hold them are kept as they are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

from lxml.html import HtmlElement

from services.chunker.documents.pages.chains import Span, heaviest_chain
from services.chunker.documents.pages.navigation import is_above_teasers
from services.chunker.documents.pages.segments import BLOCKS, HEADINGS, TextRun, key, segments
from services.chunker.documents.pruning import take_out

_WINDOW_CHARACTERS: Final = 20_000
"""How far from the last place a segment is looked for: more than the longest teaser that is left out of an article."""
_LONG_BYTES: Final = 40
"""A segment this long is looked for by itself. A shorter one could be part of other words: its place has to be between
those of the long ones around it, and a line of the choice has to begin with it or it follows what was found before."""
_SAME_LINES_LOOKED_AT: Final = 8
_END_CHARACTERS: Final = 40
"""A segment whose beginning or end of this length is chosen is chosen: extractors drop a word or a link inside."""
_LINES_LOOKED_AT: Final = 60
_ATOMS: Final = frozenset({"pre", "table", "figure", "picture", "img", "math", "video", "audio"})
"""Not text of an article as extractors see it, but part of it for whoever reads the page."""
_WHOLE: Final = frozenset({"p", "li", "td", "th", "dd", "dt", "pre", "summary"}) | HEADINGS
"""Blocks of which no line is taken out."""


class ChosenWords:
    """The words that an extractor has chosen.

    Args:
        text: its text, a block a line.
    """

    def __init__(self, text: str) -> None:
        lines = [key(line) for line in text.splitlines()]
        self._text = "".join(lines)
        self._starts: list[int] = []
        self._lines: dict[str, list[int]] = {}
        place = 0
        for line in lines:
            self._starts.append(place)
            places = self._lines.setdefault(line, [])
            if len(places) < _SAME_LINES_LOOKED_AT:
                places.append(place)
            place += len(line)

    def places(self, segments: list[tuple[str, bool]]) -> list[Span | None]:
        """Where the segments of a page, in order, stand in the choice; None for those that are not chosen.

        Long ones and headings that are lines of the choice are put in their place first, so that as much as possible
        is in the order of the page; then what is between them. No word of the choice is given to two segments.

        Args:
            segments: the key of each, and whether it is a heading.
        """
        found = self._candidates(segments)
        spans = heaviest_chain(
            [
                [(span, 2 if is_heading else 1) for span in spans]
                for spans, (_, is_heading) in zip(found, segments, strict=True)
            ]
        )
        used = bytearray(len(self._text))
        for span in spans:
            if span is not None:
                used[span[0] : span[1]] = b"\x01" * (span[1] - span[0])
        limits: list[int] = []
        start = len(self._text)
        for span in reversed(spans):
            limits.append(start)
            start = span[0] if span else start
        last = 0
        for place, ((wanted, _), limit) in enumerate(zip(segments, reversed(limits), strict=True)):
            span = spans[place]
            if span is None:
                is_long = len(wanted.encode()) >= _LONG_BYTES
                near = self._long(wanted, last, last, limit) if is_long else self._short(wanted, last, limit)
                others = [near] if near else found[place]
                span = next((one for one in others if not any(used[one[0] : one[1]])), None)
                if span is None:
                    continue
                used[span[0] : span[1]] = b"\x01" * (span[1] - span[0])
                spans[place] = span
                if near is None:
                    continue
            last = span[1]
        return spans

    def _candidates(self, segments: list[tuple[str, bool]]) -> list[list[Span]]:
        """Where each long segment and each heading may stand."""
        found: list[list[Span]] = []
        last = 0
        for wanted, is_heading in segments:
            is_long = len(wanted.encode()) >= _LONG_BYTES
            spans = (
                [(place, place + len(wanted)) for place in self._lines.get(wanted, ())] if is_long or is_heading else []
            )
            if is_long and not spans and (span := self._long(wanted, last)):
                spans = [span]
            if is_long and spans:
                last = next((span[1] for span in spans if span[0] >= last), spans[-1][1])
            found.append(spans)
        return found

    def _long(self, wanted: str, last: int, first: int = 0, limit: int | None = None) -> Span | None:
        first = max(first, last - _WINDOW_CHARACTERS)
        end = last + _WINDOW_CHARACTERS + len(wanted)
        end = end if limit is None else min(end, limit)
        place = self._text.find(wanted, last, end)
        if place < 0:
            place = self._text.find(wanted, first, last)
        if place >= 0:
            return place, place + len(wanted)
        if len(wanted) < 2 * _END_CHARACTERS:
            return None
        for part in (wanted[:_END_CHARACTERS], wanted[-_END_CHARACTERS:]):
            place = self._text.find(part, first, end)
            if place >= 0:
                return place, place + _END_CHARACTERS
        return None

    def _short(self, wanted: str, last: int, limit: int) -> Span | None:
        if self._text.startswith(wanted, last) and last + len(wanted) <= limit:
            return last, last + len(wanted)
        first = bisect_left(self._starts, last)
        for place in self._starts[first : first + _LINES_LOOKED_AT]:
            if place + len(wanted) > limit:
                break
            if self._text.startswith(wanted, place):
                return place, place + len(wanted)
        return None


def chosen_inside(root: HtmlElement, text: str, parts: list[HtmlElement]) -> tuple[list[int], int]:
    """How many characters are chosen in each of some parts of a page, and how many in all.

    Args:
        root: of the page.
        text: what the extractor has chosen.
        parts: none of them inside another.
    """
    part_of = {element: place for place, part in enumerate(parts) for element in part.iter("*")}
    found, spans = _placed(root, ChosenWords(text))
    chosen = [0] * len(parts)
    total = 0
    for (segment, _), span in zip(found, spans, strict=True):
        length = span[1] - span[0] if span else 0
        total += length
        part = part_of.get(segment.block)
        if part is not None:
            chosen[part] += length
    return chosen, total


def _placed(root: HtmlElement, chosen: ChosenWords) -> tuple[list[tuple[TextRun, str]], list[Span | None]]:
    """The segments of a page with their keys, and where each stands in what is chosen."""
    found = [(segment, wanted) for segment in segments(root) if (wanted := key(segment.text))]
    return found, chosen.places([(wanted, segment.block.tag in HEADINGS) for segment, wanted in found])


def keep(root: HtmlElement, text: str) -> list[tuple[HtmlElement, str]]:
    """Take everything out of a page that an extractor has not chosen; returns what is left out, each with its block.

    Args:
        root: of the page.
        text: what the extractor has chosen.
    """
    kept: Counter[HtmlElement] = Counter()
    total: Counter[HtmlElement] = Counter()
    dropped: list[TextRun] = []
    found, spans = _placed(root, ChosenWords(text))
    for (segment, wanted), span in zip(found, spans, strict=True):
        total[segment.block] += len(wanted)
        if span is not None:
            kept[segment.block] += 1
            # Also what is inside the line: a picture's block may stand in bold text.
            for element, slot in segment.slots:
                owner = element if slot == "text" else element.getparent()
                if owner is not None and owner is not segment.block:
                    kept[owner] += 1
        else:
            dropped.append(segment)
    order = list(root.iter("*"))
    for element in reversed(order):  # a parent comes before its children
        parent = element.getparent()
        if parent is not None and element is not root:
            kept[parent] += kept[element]
            total[parent] += total[element]
    doomed, gone = _without_choice(order, root, kept, total)
    left_out: list[tuple[HtmlElement, str]] = []
    for segment in dropped:
        if segment.block in gone:
            left_out.append((segment.block, segment.text))
        elif kept[segment.block] and segment.block.tag not in _WHOLE:
            left_out.append((segment.block, segment.text))
            segment.blank()
    take_out(doomed)
    return left_out


def _without_choice(
    order: list[HtmlElement], root: HtmlElement, kept: Counter[HtmlElement], total: Counter[HtmlElement]
) -> tuple[set[HtmlElement], set[HtmlElement]]:
    """The outermost elements to take out, and all that goes with them."""
    first: dict[HtmlElement, int] = {}
    last: dict[HtmlElement, int] = {}
    for place, element in enumerate(order):
        parent = element.getparent()
        if kept[element] and parent is not None:
            first.setdefault(parent, place)
            last[parent] = place
    doomed: set[HtmlElement] = set()
    gone: set[HtmlElement] = set()
    whole: set[HtmlElement] = set()
    for place, element in enumerate(order):
        parent = element.getparent()
        if element is root or parent is None:
            continue
        is_between = parent in first and first[parent] < place < last[parent]
        if parent in gone:
            gone.add(element)
        elif parent in whole or (
            not kept[element] and kept[parent] and _belongs(element, kept, total, is_between=is_between)
        ):
            whole.add(element)
        elif not kept[element]:
            doomed.add(element)
            gone.add(element)
    return doomed, gone


def _belongs(
    element: HtmlElement, kept: Counter[HtmlElement], total: Counter[HtmlElement], *, is_between: bool
) -> bool:
    """Whether something that is not chosen belongs to the chosen parts around it."""
    if element.tag not in BLOCKS and not total[element]:
        return True  # inside a line; its words are counted where the line is
    if element.tag in HEADINGS and total[element]:
        if is_above_teasers(element):
            return False
        after = element.getnext()
        while after is not None and not total[after]:
            after = after.getnext()
        return after is not None and bool(kept[after])
    if element.tag in _ATOMS or (not total[element] and next(element.iter(*_ATOMS), None) is not None):
        return is_between
    return False
