"""What is drawn or typed rather than told: tables, diagrams, code."""

from __future__ import annotations

import re
from typing import Literal

from services.chunker.documents.text.rows import LineGroup, indent_of, is_rule

Kind = Literal["code", "table", "figure"]

_BOXES = re.compile(r"[\u2500-\u257f\u2580-\u259f]|\+[-=]{3,}")
_BAR = re.compile(r"\s\|\s|^\s*\||\|\s*$")
_GAP = re.compile(r"(?<=\S)\s{3,}(?=\S)")
_UNUSUAL = re.compile(r"[^\w\s.,;:!?'\"()\u2018-\u201f\u00ab\u00bb\u2013\u2014\u2026\u2022*\u00a1\u00bf\u00b7-]")
_CODE = re.compile(
    r"[;{}\\]\s*$"
    r"|^\s*[$%#>]\s\S|^\s*>>> |^\s*[\w.-]+[@:~][\w~/.-]*[$#]\s"
    r"|^\s*(?:#include|#define|import |from \S+ import|def |class |return\b|sudo |apt-get |apt |dpkg |git )"
    r"|^\s*(?:make\b|cd |gcc )"
    r"|^\s*(?:if|while|for|switch)\s?\(.*"
    r"|^\s*</?\w[^>]*>|^\s*<[!?]"
    r"|[\w\])]\s?[!=+*/<>|&-]?=\s?\S"
    r"|->|::|&&|\|\||\$\{?\w|\\\w"
    r"|\b\w+\([^)]{0,100}\)\s*[;{]?\s*$"
    r"|(?:^|\s)--?[a-z][\w-]*(?:\s|=|$)"
    r"|^\s*(?:~?/|\./|\.\./)?[\w.+-]+(?:/[\w.+-]+)+/?\s*$"
    r"|^\s*(?:#|//|/\*|\*/|--\s)",
)
_PROSE = re.compile(r"[^\W\d_]{2,}[,;]? [^\W\d_]{2,}[,;]? [^\W\d_]{2,}[,;]? [^\W\d_]{2,}")
_LINES_LOOKED_AT = 60
_CHARACTERS_LOOKED_AT = 300
_MOST = 0.6
_HALF = 0.5
_MANY_SIGNS = 0.25
"""Share of signs that prose has few of, above which a group is drawn or is code. English prose has 0.01."""


def kind_of(group: LineGroup, body_indent: int) -> Kind | None:  # noqa: PLR0911 - one question after the other
    """What a group is, if it is no prose.

    Args:
        group: lines.
        body_indent: the indentation of the text around it, in characters.
    """
    lines = [line[:_CHARACTERS_LOOKED_AT] for line in group.lines[:_LINES_LOOKED_AT]]
    count = len(lines)
    if all(map(is_rule, lines)):
        return None
    if 2 * sum(line.lstrip()[:1] == ">" and line.lstrip()[:3] != ">>>" for line in lines) > count:
        return None  # quoted
    boxes = sum(_BOXES.search(line) is not None for line in lines)
    if boxes and 2 * boxes >= count:
        return "table" if any(_words_in(line) for line in lines) else "figure"
    bars = sum(_BAR.search(line) is not None for line in lines)
    if count > 1 and bars >= _MOST * count:
        return "table" if _aligned_bars(lines) else "figure"
    deeper = group.indent >= body_indent + 2
    if count > 2 and _in_columns(lines):  # noqa: PLR2004 - two lines are no table
        return "table"
    marks = sum(len(_UNUSUAL.findall(line)) for line in lines)
    signs = marks / max(1, sum(len(line.replace(" ", "")) for line in lines))
    like_code = sum(_CODE.search(line) is not None for line in lines)
    prose = sum(_PROSE.search(line) is not None for line in lines)
    if deeper and like_code >= _HALF * count and (3 * prose <= count or signs > _MANY_SIGNS / 2):
        return "code"
    if not deeper and count > 1 and like_code >= 0.8 * count and 4 * prose <= count:
        return "code"
    if count > 1 and signs > _MANY_SIGNS and 2 * prose <= count:
        return "figure"
    return None


def _words_in(line: str) -> bool:
    return sum(character.isalpha() for character in line) > 1


def _aligned_bars(lines: list[str]) -> bool:
    return sum(line.count("|") for line in lines) < 6 * len(lines) and any(_words_in(line) for line in lines)


def _in_columns(lines: list[str]) -> bool:
    """Whether most lines have a gap, and the gaps end at the same places: what follows them stands in a column."""
    ends: dict[int, int] = {}
    with_gap = 0
    for line in lines:
        if is_rule(line):
            continue
        found = {match.end() for match in _GAP.finditer(line)}
        with_gap += bool(found)
        for end in found:
            ends[end] = ends.get(end, 0) + 1
    counted = sum(not is_rule(line) for line in lines)
    if counted < 3 or with_gap < _MOST * counted:  # noqa: PLR2004 - two lines are no table
        return False
    return max(ends.values(), default=0) >= max(3, _HALF * counted)


def cells_of(line: str) -> str:
    """The cells of a row, as they are read: with semicolons between them."""
    parts = re.split(r"\s{3,}|\s*[|\u2500-\u257f]+\s*", line.strip().strip("|\u2502\u2503"))
    return "; ".join(part.strip() for part in parts if part.strip())


def hangs(lines: tuple[str, ...]) -> bool:
    """Whether all lines but the first are indented deeper."""
    return len(lines) > 1 and min(map(indent_of, lines[1:])) > indent_of(lines[0])
