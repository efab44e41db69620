"""A table of contents in the text: where it begins and ends."""

from __future__ import annotations

import re

from services.chunker.documents.document import Omissions
from services.chunker.documents.text.rows import PAGE_BREAK, Row, Title, has_words, is_rule
from services.chunker.documents.text.words import CHAPTER, CONTENTS, LISTS

_REASON = "a table of contents is for turning pages"

_LEADERS = re.compile(r"(?:\s?\.){3,}+\s*+\d{0,5}$|\s{2,}\d{1,5}$|\s?_{3,}+\s*+\d{0,5}$")
_HAS_LEADERS = re.compile(r"(?:\s?\.){4,}+\s*+(?:\d{1,5}|[ivxlc]{1,6})$")
_LISTED = re.compile(r"\s*[*\u2022+-]\s+(?:[A-Z]|\d{1,3})(?:\.|(?:\.\d{1,3}){1,5}\.?)\s+\S.{0,150}")
_BULLET = re.compile(r"^\s*[*\u2022+-]\s+")
_NUMBER = re.compile(r"(?:\d|[A-Z]\.|[IVXLC]+\.)[\d.]*\s")
_LONGEST_CHARACTERS = 150
_LOOKED_AT_CHARACTERS = 300
_FEWEST_ENTRIES = 3
_SENTENCE_CHARACTERS = 60
_HEADINGS_IN_A_ROW = 4
_LIMIT_ROWS = 5_000


def without_contents(rows: list[Row], omissions: Omissions) -> list[Row]:
    """The rows without tables of contents.

    Args:
        rows: lines and headings.
        omissions: gets what is left out.
    """
    kept: list[Row] = []
    at = looked_until = 0
    seen: set[str] = set()
    while at < len(rows):
        end = at
        if at >= looked_until:
            if _begins(rows, at):
                seen = seen if _words(rows[at]) in LISTS else set()
                end, looked_until = _end_of_contents(rows, at, seen)
            else:
                end, looked_until = _end_of_listed(rows, at)
        if end > at:
            omissions.add("contents", _REASON, " ".join(_text(row) for row in rows[at : at + 6]))
            kept.append("")
            at = end
        else:
            kept.append(rows[at])
            at += 1
    return kept


def _text(row: Row) -> str:
    return row.text if isinstance(row, Title) else row.strip()[:_LOOKED_AT_CHARACTERS]


def _words(row: Row) -> str:
    return _text(row).rstrip(":.").lower()


def _begins(rows: list[Row], at: int) -> bool:
    """Whether this is the line over a table of contents."""
    row = rows[at]
    if not row or len(_text(row)) > 40 or _words(row) not in CONTENTS | LISTS:  # noqa: PLR2004 - the longest of them is shorter
        return False
    return (
        isinstance(row, Title)
        or at == 0
        or isinstance(rows[at - 1], Title)
        or not rows[at - 1]
        or rows[at - 1] == PAGE_BREAK
    )


def _key(row: Row) -> str:
    """What an entry and its heading have in common: number and title, without the word for a chapter."""
    text = _LEADERS.sub("", _BULLET.sub("", _text(row)))
    first, _, rest = text.partition(" ")
    text = rest if first.lower() in CHAPTER and rest[:1].isdigit() else text
    return "".join(character for character in text.casefold() if character.isalnum())


def _is_entry(row: Row) -> bool:
    if isinstance(row, Title):
        return False
    return len(row.strip()) <= _LONGEST_CHARACTERS and has_words(row)


def _end_of_contents(rows: list[Row], start: int, seen: set[str]) -> tuple[int, int]:
    """Where the table that begins at `start` ends; `start` if it is none. And up to where the rows were looked at."""
    first = ""
    with_word = False
    entries = 0
    last = start
    at = start + 1
    limit = min(len(rows), start + _LIMIT_ROWS)
    while at < limit:
        row = rows[at]
        if not row or row == PAGE_BREAK or (isinstance(row, str) and is_rule(row)):
            at += 1
            continue
        key = _key(row)
        is_chapter = _text(row).split()[0].lower() in CHAPTER
        again = key == first or (key in seen and bool(_NUMBER.match(_text(row)))) or (is_chapter and not with_word)
        if entries and again and not _HAS_LEADERS.search(_text(row)) and _text_follows(rows, at):
            return (at if entries >= _FEWEST_ENTRIES or isinstance(rows[start], Title) else start), at
        if not _is_entry(row) and not (entries == 0 and isinstance(row, Title)):
            break
        if _is_prose(rows, at):
            break
        if key and _words(row) not in CONTENTS | LISTS:
            seen.add(key)
            first = first or key
            with_word = with_word or is_chapter
            entries += 1
        last = at
        at += 1
    if entries < _FEWEST_ENTRIES or at >= len(rows):
        return start, at
    return _before_heading(rows, last, at), at


def _text_follows(rows: list[Row], at: int) -> bool:
    """Whether prose, or the contents of a chapter, begins after the next few headings."""
    looked_at = 0
    while at + 1 < len(rows) and looked_at < _HEADINGS_IN_A_ROW:
        at += 1
        row = rows[at]
        if row and row != PAGE_BREAK and not (isinstance(row, str) and is_rule(row)):
            looked_at += 1
            if _words(row) in CONTENTS or _is_prose(rows, at):
                return True
    return False


def _before_heading(rows: list[Row], last: int, prose: int) -> int:
    """The table ended before the prose; a line right before that, with more space before it, is the prose's heading."""
    if isinstance(rows[prose], Title):
        return prose
    before = last
    while before > 0 and rows[before - 1]:
        before -= 1
    alone = before == last
    indented = str(rows[last])[:1] == " "
    apart = before > 1 and not rows[before - 1]
    wide = apart and not rows[before - 2]
    return (
        last
        if alone
        and (wide or not indented)
        and apart
        and not _LISTED.match(str(rows[last]))
        and not _HAS_LEADERS.search(_text(rows[last]))
        and not _NUMBER.match(_text(rows[last]))
        else prose
    )


def _is_prose(rows: list[Row], at: int) -> bool:
    """Whether a paragraph of sentences begins here: lines that are full, with a full stop in them."""
    row = rows[at]
    after = rows[at + 1] if at + 1 < len(rows) else ""
    if (
        not isinstance(row, str)
        or _HAS_LEADERS.search(row[-_LOOKED_AT_CHARACTERS:])
        or _LISTED.match(row)
        or _NUMBER.match(row.strip())
    ):
        return False
    text = row.strip()
    if not after or not isinstance(after, str):
        return text.endswith((".", "!")) and len(text) > _SENTENCE_CHARACTERS
    end = at
    while end + 1 < len(rows) and rows[end + 1] and isinstance(rows[end + 1], str) and end - at < 12:  # noqa: PLR2004 - lines looked at
        end += 1
    words = " ".join(_text(each) for each in rows[at : end + 1])
    return len(text) > 40 and ". " in words + " " and not _NUMBER.search(words)  # noqa: PLR2004 - about half a line


def _end_of_listed(rows: list[Row], start: int) -> tuple[int, int]:
    """The end of a run of entries that are marked as such: bullets with section numbers, or dots before page numbers.

    And up to where the rows were looked at.
    """
    if not _is_listed(rows[start]):
        return start, start
    entries = 0
    at = last = start
    while at < min(len(rows), start + _LIMIT_ROWS):
        row = rows[at]
        if _is_listed(row):
            entries += 1
            last = at + 1
        elif row and row != PAGE_BREAK:
            if isinstance(row, Title) or not rows[at - 1] or not row.startswith("  "):
                break  # not the second line of an entry
            last = at + 1
        at += 1
    return (last if entries >= _FEWEST_ENTRIES else start), at


def _is_listed(row: Row) -> bool:
    return isinstance(row, str) and (_LISTED.fullmatch(row) or _HAS_LEADERS.search(row[-100:])) is not None
