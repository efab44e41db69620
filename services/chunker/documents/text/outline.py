"""Which groups of a text are headings: what they look like, and whether what is around them agrees."""

from __future__ import annotations

import re

from services.chunker.documents.text.figures import hangs
from services.chunker.documents.text.headings import NO_TITLE, Found, found_in, undrawn
from services.chunker.documents.text.rows import LineGroup, Title, has_words, indent_of

_LONGEST_OUTDENTED = 80
_LONGEST_TITLE = 90
_CAPITALS_MOST = 0.25
_SKIPPED_NUMBERS = 3
_DESIGNATOR_CHARACTERS = 24
_CENTRED = 8
_STRUCTURE = 3
_LETTER_CHARACTERS = 3
_NOT_IN_TITLES = re.compile(r"[.,;:]$|https?://|@|^[-*\u2022>(\[]")
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}

Piece = LineGroup | Title | Found


def outlined(pieces: list[LineGroup | Title], body_indent: int) -> list[Piece]:
    """The pieces, with `Found` in place of each group that is a heading.

    Args:
        pieces: groups, and headings that rules have shown.
        body_indent: the indentation of the text, in characters.
    """
    pieces = list(_first_lines_apart(pieces))
    looks = [found_in(piece) if isinstance(piece, LineGroup) else None for piece in pieces]
    groups = sum(isinstance(piece, LineGroup) for piece in pieces)
    kinds = [found.kind for found in looks if found is not None]
    capitals_count = kinds.count("capitals") <= max(3, _CAPITALS_MOST * groups)
    marked = sum(isinstance(piece, Title) for piece in pieces) + kinds.count("chapter") + kinds.count("numbered")
    kept: list[Piece] = []
    numbers = {"number": 0, "roman": 0}
    at = 0
    while at < len(pieces):
        piece, found = pieces[at], looks[at]
        if not isinstance(piece, LineGroup):
            kept.append(piece)
            at += 1
            continue
        if found is not None and not _agrees(found, at, pieces, looks, numbers, capitals=capitals_count, marked=marked):
            found = None
        if found is None and _stands_out(piece, at, pieces, body_indent):
            found = Found(undrawn(piece.text), "outdented")
        if found is None and not kept and _is_title(piece, at, pieces):
            found = Found(undrawn(piece.text), "title")
        if found is None:
            kept.append(piece)
        elif found.kind == "chapter" and (title := _title_after(found, at, pieces, looks)):
            kept.append(Found(f"{found.text.rstrip('.')}. {title}", "chapter"))
            at += 1
        else:
            kept.append(found)
        at += 1
    return kept


def _first_lines_apart(pieces: list[LineGroup | Title]) -> list[LineGroup | Title]:
    """A heading with its text right under it, indented, becomes a group of its own."""
    apart: list[LineGroup | Title] = []
    for piece in pieces:
        if (
            isinstance(piece, LineGroup)
            and len(piece.lines) > 1
            and indent_of(piece.lines[0]) == 0
            and hangs(piece.lines)
        ):
            head = LineGroup(piece.lines[:1], piece.blank_before)
            found = found_in(head)
            if (
                found is not None
                and found.kind in {"capitals", "chapter", "named", "numbered"}
                and not found.is_sentence
            ):
                apart += [head, LineGroup(piece.lines[1:], 1)]
                continue
        apart.append(piece)
    return apart


def _agrees(  # noqa: PLR0911 - one question after the other
    found: Found,
    at: int,
    pieces: list[LineGroup | Title],
    looks: list[Found | None],
    numbers: dict[str, int],
    *,
    capitals: bool,
    marked: int,
) -> bool:
    before, after = looks[at - 1] if at else None, looks[at + 1] if at + 1 < len(looks) else None
    if at + 1 == len(pieces):
        return found.kind == "chapter"  # nothing follows
    if found.kind == "capitals":
        # In a text that marks its headings in another way, a word in capitals is an abbreviation.
        is_word = marked >= _STRUCTURE and " " not in found.text
        return capitals and not is_word and (at == 0 or before is None or before.kind != "capitals")
    if found.kind in numbers:
        if (before is not None and before.kind == found.kind) or (after is not None and after.kind == found.kind):
            return False  # a list
        number = _number(found)
        if found.is_sentence and (number < 2 or number != numbers[found.kind] + 1):  # noqa: PLR2004 - the first one must look like a heading
            return False
        if (number in {0, 1} and not found.is_sentence) or numbers[found.kind] < number <= numbers[
            found.kind
        ] + _SKIPPED_NUMBERS:
            numbers[found.kind] = number
            return True
        return False
    return True


def _number(found: Found) -> int:
    first = re.split(r"[.:)\s]", found.text, maxsplit=1)[0]
    if found.kind == "number":
        return int(first) if first.isdigit() else 0
    values = [_ROMAN.get(letter, 0) for letter in first]
    return sum(-value if value < max(values[at:]) else value for at, value in enumerate(values))


def _stands_out(group: LineGroup, at: int, pieces: list[LineGroup | Title], body_indent: int) -> bool:
    """A single line further left than the text, with text under it."""
    if body_indent < 2 or group.indent > body_indent - 2 or at + 1 == len(pieces) or len(group.lines) > 2:  # noqa: PLR2004 - characters, and lines of a title
        return False
    text, after = undrawn(group.text), pieces[at + 1]
    if (
        len(text) > _LONGEST_OUTDENTED
        or _NOT_IN_TITLES.search(text)
        or NO_TITLE.search(text)
        or not _begins_as_title(text)
    ):
        return False
    return isinstance(after, LineGroup) and after.indent > group.indent


def _begins_as_title(text: str) -> bool:
    first = text.lstrip("\"'\u00ab\u201c\u201e\u00bf\u00a1")[:1]
    return (first.isupper() or first.isdigit() or (first.isalpha() and not first.islower())) and has_words(text)


def _is_title(group: LineGroup, at: int, pieces: list[LineGroup | Title]) -> bool:
    """Whether the first group is the title of the text: a line or two that end without a full stop."""
    text = undrawn(group.text)
    if at + 2 > len(pieces) or len(group.lines) > 2 or len(text) > _LONGEST_TITLE or len(text) <= _LETTER_CHARACTERS:  # noqa: PLR2004 - a title, what follows; lines of a title
        return False
    if _NOT_IN_TITLES.search(text) or NO_TITLE.search(text) or not _begins_as_title(text):
        return False
    if len(group.lines) > 1 and group.indent < _CENTRED:
        return False
    return len(pieces) > 2 or group.indent >= _CENTRED  # noqa: PLR2004 - two groups are hardly a text with a title


def _title_after(found: Found, at: int, pieces: list[LineGroup | Title], looks: list[Found | None]) -> str:
    """The title in the group after a bare "CHAPTER IV."; "" if there is none."""
    if len(found.text) > _DESIGNATOR_CHARACTERS or at + 2 >= len(pieces):
        return ""
    after, look = pieces[at + 1], looks[at + 1]
    if not isinstance(after, LineGroup) or len(after.lines) > 2 or (look is not None and look.kind == "chapter"):  # noqa: PLR2004 - lines of a title
        return ""
    text = after.text
    if len(text) > _LONGEST_TITLE or text.endswith((",", ";", ":", "?", "\u201d", '"')) or not _begins_as_title(text):
        return ""
    ends_sentence = text.endswith(".") and text.upper() != text
    return "" if ends_sentence or after.blank_before > 2 else text  # noqa: PLR2004 - lines between a number and its title
