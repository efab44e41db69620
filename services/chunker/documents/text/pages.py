"""What a printer put on every page: running heads and feet, page numbers, and the break in the middle of a sentence."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict

from services.chunker.documents.document import Omissions
from services.chunker.documents.text.rows import PAGE_BREAK, has_words, indent_of

_REASON = "running heads and page numbers are for turning pages"
_DIGITS = re.compile(r"\d+")
_FOOT = re.compile(r".{0,200}\[Page \d{1,5}\]")
_NUMBER_ALONE = re.compile(
    r"\s*+(?:[-\u2013\u2014(\[]?\s?(?:(?:page|seite|p\u00e1gina|pagina|pag\.|p\.|bladzijde|\u0441\u0442\u0440\.?)\s)?"
    r"\d{1,5}(?:\s?(?:of|von|de|di|van|/)\s?\d{1,5})?\s?[-\u2013\u2014)\]]?)",
    re.IGNORECASE,
)
_LONGEST_CHARACTERS = 120
_GAP = re.compile(r"\S\s{3,}\S")
_BLANK_LINES = 20
"""At the edges of a page, at most."""

_FEWEST = 3
"""What stands on fewer pages may be part of the text."""

_SENTENCE_END = re.compile(r"[.!?:;\u2026][\"'\u2019\u201d\u00bb)\]]{0,3}$")
_FULL_LINE = 45
"""Characters: a line before a page break that is shorter ended its paragraph."""


def without_furniture(rows: list[str], omissions: Omissions) -> list[str]:
    """The rows without running heads, feet and page numbers. Sentences that go on behind a page break are joined.

    Args:
        rows: lines and page breaks.
        omissions: gets what is left out.
    """
    furniture = _furniture(rows)
    if not furniture and PAGE_BREAK not in rows:
        return rows
    if furniture:
        first = min(furniture)
        omissions.add("page furniture", _REASON, rows[first], count=len(furniture))
    kept: list[str] = []
    at = 0
    while at < len(rows):
        if at not in furniture and rows[at] != PAGE_BREAK:
            kept.append(rows[at])
            at += 1
            continue
        while at < len(rows) and (not rows[at] or rows[at] == PAGE_BREAK or at in furniture):
            at += 1
        while kept and not kept[-1]:
            kept.pop()
        if kept and at < len(rows) and not _goes_on(kept[-1], rows[at]):
            kept.append("")
    return kept


def _furniture(rows: list[str]) -> set[int]:
    """The places of running heads and feet."""
    same, found = _candidates(rows)
    near_breaks = _near(rows, [at for at, row in enumerate(rows) if row == PAGE_BREAK])
    for places in same.values():
        if len(places) >= _FEWEST and (
            _counts_pages(rows, places) or sum(at in near_breaks for at in places) >= _FEWEST
        ):
            found.update(places)
    # A second line of a head or foot stands next to one that was found, on several pages.
    beside = _near(rows, sorted(found))
    for places in same.values():
        is_candidate = len(places) >= _FEWEST and places[0] not in found and _GAP.search(rows[places[0]])
        if is_candidate and 2 * sum(at in beside for at in places) > len(places):
            found.update(places)
    return found


def _candidates(rows: list[str]) -> tuple[dict[str, list[int]], set[int]]:
    """Short lines that stand alone, by what they have in common; and the feet that can be nothing else."""
    same: dict[str, list[int]] = defaultdict(list)
    found: set[int] = set()
    blank = True
    for at, row in enumerate(rows):
        if not row or row == PAGE_BREAK:
            blank = True
            continue
        alone = blank and (at + 1 == len(rows) or not rows[at + 1] or rows[at + 1] == PAGE_BREAK)
        blank = False
        if len(row) > _LONGEST_CHARACTERS or not has_words(row):
            continue
        if "[Page " in row and _FOOT.fullmatch(row):
            found.add(at)
        elif alone or (at and rows[at - 1] == PAGE_BREAK):
            same[" ".join(_DIGITS.sub("0", row).split())].append(at)
    return same, found


def _counts_pages(rows: list[str], places: list[int]) -> bool:
    """Whether the last number of these lines counts, and they look like heads: a number alone, or a gap before it."""
    first = rows[places[0]]
    if not (_NUMBER_ALONE.fullmatch(first) or _GAP.search(first)):
        return False
    numbers = [int(found[-1][:9]) for at in places if (found := _DIGITS.findall(rows[at]))]
    if len(numbers) < len(places):
        return False
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    return all(0 < step <= _FEWEST for step in steps)


def _near(rows: list[str], places: list[int]) -> set[int]:
    """The next line with something on it before and after each place."""
    found: set[int] = set()
    for at in places:
        for step in (-1, 1):
            beside = at + step
            last = min(max(at + step * _BLANK_LINES, 0), len(rows) - 1)
            while beside != last and 0 <= beside < len(rows) and (not rows[beside] or rows[beside] == PAGE_BREAK):
                beside += step
            found.add(beside)
    return found


def _goes_on(before: str, after: str) -> bool:
    """Whether the line after a page break goes on with the sentence before it."""
    if _SENTENCE_END.search(before) or len(before.strip()) < _FULL_LINE:
        return False
    begins = after.lstrip()[:1]
    return begins.islower() or (indent_of(before) == indent_of(after) and begins.isalpha())
