"""The parts of a group of lines: paragraphs, items of a list, quotations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.chunker.documents.document import Role
from services.chunker.documents.text.paragraphs import SENTENCE_END, UNWRAPPED_CHARACTERS
from services.chunker.documents.text.rows import indent_of

_BULLET = re.compile(
    r"(?P<indent>\s*)(?P<mark>[*\u2022\u00b7\u2023\u25e6\u25cb\u25cf\u25aa\u25a0+\u2013\u2014-]|o(?=\s{2}))\s+(?=\S)"
)
_COUNTED = re.compile(r"(?P<indent>\s*)(?P<mark>\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})(?P<end>[.)]))\s+(?=\S)")
_DASHES = frozenset("-\u2013\u2014")
_QUOTE = re.compile(r"\s{0,3}(?P<marks>(?:>\s?){1,50})")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines of a group that belong together.

    Attributes:
        role: what they are.
        lines: with their indentation; a bullet is taken off, a number stays.
    """

    role: Role
    lines: list[str]


def parts_of(lines: tuple[str, ...]) -> Iterator[Stretch]:
    """Paragraphs, items and quotations in a group."""
    part: list[str] = []
    role: Role = "paragraph"
    mark_indent = 0
    number = ""
    for at, line in enumerate(lines):
        quoted = _QUOTE.match(line) if ">" in line[:4] else None
        if quoted is not None:
            if role != "quote" and part:
                yield Stretch(role, part)
                part = []
            role = "quote"
            part.append(line)
            continue
        if role == "quote":
            yield Stretch(role, part)
            part, role = [], "paragraph"
        found = _BULLET.match(line) or _COUNTED.match(line)
        if found is not None and _is_item(found, line, lines[at - 1] if at else "", role, mark_indent, number):
            if part:
                yield Stretch(role, part)
            role, mark_indent = "item", len(found["indent"])
            number = found["mark"]
            is_bullet = found.re is _BULLET
            part = [" " * found.end() + line[found.end() :] if is_bullet else line]
        elif role == "item" and part and indent_of(line) <= mark_indent and at and _ended(lines[at - 1]):
            yield Stretch(role, part)
            part, role = [line], "paragraph"
        else:
            part.append(line)
    if part:
        yield Stretch(role, part)


def _ended(line: str) -> bool:
    return SENTENCE_END.search(line) is not None or len(line) < UNWRAPPED_CHARACTERS * 0.3


def _is_item(  # noqa: PLR0917 - all that there is to know
    found: re.Match[str], line: str, before: str, role: Role, mark_indent: int, number: str
) -> bool:
    """Whether a line that begins like an item is one: a wrapped line may begin with a dash or a number by chance."""
    if not before:
        return found.re is _BULLET or not line[: found.end()].strip()[:1].isupper() or number != ""
    indent = len(found["indent"])
    if role == "item" and indent == mark_indent and found["mark"][-1:] == number[-1:]:
        return found.re is _BULLET or _follows(number, found["mark"])
    if indent > indent_of(before):
        return True
    if found["mark"] in _DASHES:
        return SENTENCE_END.search(before) is not None
    if SENTENCE_END.search(before) or before.rstrip().endswith((";", ",")):
        return (
            found.re is _BULLET
            or found["mark"].strip("().").lower() in {"1", "a", "i"}
            or _follows(number, found["mark"])
        )
    return role == "item" and indent < mark_indent


def _follows(before: str, after: str) -> bool:
    old, new = before.strip("()."), after.strip("().")
    if old.isdigit() and new.isdigit():
        return int(new) == int(old) + 1
    return not new.isdigit() and not old.isdigit() and bool(old)


def unquoted(lines: list[str]) -> list[tuple[int, str]]:
    """Quoted lines without their marks, each with its depth."""
    found = []
    for line in lines:
        match = _QUOTE.match(line)
        depth = match["marks"].count(">") if match else 0
        found.append((depth, line[match.end() :] if match else line))
    return found
