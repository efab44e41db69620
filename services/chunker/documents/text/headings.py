"""Headings: lines with a rule under them, numbered sections, chapter words, lines in capitals, lines that stand out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.chunker.documents.text.rows import PAGE_BREAK, LineGroup, Row, Title, has_words, indent_of, is_rule
from services.chunker.documents.text.words import CHAPTER, NAMED, ORDINALS

LONGEST_CHARACTERS = 120
"""A longer line is no heading, unless it is underlined or a numbered question."""
LONGEST_QUESTION_CHARACTERS = 250
_QUESTION_LINES = 4

_ROMAN = r"[IVXLC]{1,8}"
NUMBERED = re.compile(
    r"(?P<number>(?:[A-Z]\.)?\d{1,3}(?:\.\d{1,3}){0,5}|[A-Z](?:\.\d{1,3}){1,5})(?P<dot>[.:)]?)\s+(?P<title>\S.*)"
)
_ROMAN_NUMBERED = re.compile(rf"(?P<number>{_ROMAN})\.\s+(?P<title>\S.*)")
_SECTION_SIGN = re.compile(r"\u00a7\s?\d{1,4}\b.{0,100}")
_WORDS = re.compile(r"[\w'\u2019-]+")
_ROMAN_ALONE = re.compile(rf"{_ROMAN}\.?")
_GAPS = re.compile(r"\S\s{3,}\S")
_DRAWN_ENDS = re.compile(r"^[-=*~_#+]{2,}+\s*|\s*[-=*~_#+]{2,}+$")
NO_TITLE = re.compile(r"\u00a9|\(c\)\s|copyright\s+(?:by\b|\d)", re.IGNORECASE)
"""A line about copyright is no heading."""
_BULLETS = ("*", "\u2022", "-", "+", ">", "\u00b7")
_NOT_AT_END = (".", ",", ";")
_FEWEST_CAPITALS = 3
_COVERS = 0.5
"""A rule that is shorter than this share of a line does not underline it."""

_OVERHANG = 12
"""Characters that a rule may be longer than its heading; a longer one separates sections."""

_WIDE_RULE = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A heading among groups of lines.

    Attributes:
        text: its words.
        kind: what it was recognised by.
        depth: 1 is the highest of its kind.
        is_sentence: it ends as sentences do, so that it needs other numbers before it to be one.
    """

    text: str
    kind: str
    depth: int = 1
    is_sentence: bool = False


def underlined(rows: list[str]) -> list[Row]:
    """The rows, with `Title` for each line that has a rule under it, over it, or both."""
    kept: list[Row] = []
    at = 0
    while at < len(rows):
        row = rows[at]
        if not row or row == PAGE_BREAK or not is_rule(row):
            kept.append(row)
            at += 1
            continue
        mark = row.strip()[0]
        above = kept[-1] if kept else ""
        before = kept[-2] if len(kept) > 1 else ""
        if _is_underlined(above, before, row, rows[at + 1 : at + 2]):
            kept.pop()
            over = isinstance(before, str) and bool(before) and is_rule(before)
            if over:
                kept.pop()
            kept.append(Title(undrawn(str(above)), mark + ("^" if over else "")))
        elif _is_overlined(row, above, rows[at + 1 : at + 3]):
            kept.append(Title(undrawn(rows[at + 1]), mark + "-"))
            at += 1
        else:
            kept.append(row)
        at += 1
    return kept


def undrawn(line: str) -> str:
    """The words of a line, without a rule that is drawn up to them on either side."""
    words = " ".join(line.split())
    return _DRAWN_ENDS.sub("", words) or words


def _could_be(line: str) -> bool:
    return (
        bool(line)
        and line != PAGE_BREAK
        and len(line) <= LONGEST_QUESTION_CHARACTERS
        and has_words(line)
        and not _GAPS.search(line)
    )


def _is_underlined(above: Row, before: Row, rule: str, after: list[str]) -> bool:
    if not isinstance(above, str) or not _could_be(above) or "|" in above:
        return False
    if isinstance(before, str) and before and before != PAGE_BREAK and not is_rule(before):
        return False  # the last line of a paragraph
    if any(_GAPS.search(line) or "|" in line for line in after):
        return False  # the head of a table
    title, drawn = above.strip(), rule.strip()
    if len(drawn) < max(3, _COVERS * len(title)):
        return False
    centred = indent_of(above) > indent_of(rule) + 2 and indent_of(above) + len(title) <= indent_of(rule) + len(drawn)
    return (
        len(drawn) <= len(title) + _OVERHANG
        or centred
        or (isinstance(before, str) and bool(before) and is_rule(before))
    )


def _is_overlined(rule: str, above: Row, after: list[str]) -> bool:
    """A wide rule, a line that begins as headings do, and a blank line."""
    if len(rule.strip()) < _WIDE_RULE or (isinstance(above, str) and above) or not after or not _could_be(after[0]):
        return False
    if len(after) > 1 and after[1]:
        return False
    line = after[0].strip()
    return NUMBERED.fullmatch(line) is not None or _by_words(line) is not None or _in_capitals(line)


def found_in(  # noqa: C901, PLR0911 - one question after the other
    group: LineGroup,
) -> Found | None:
    """What a group of one or two lines looks like on its own; whether it is a heading depends on what is around it."""
    if len(group.lines) > _QUESTION_LINES or len(group.lines[0]) > LONGEST_CHARACTERS:
        return None
    text = undrawn(group.text)
    if not has_words(text) or NO_TITLE.search(text) or text.startswith(_BULLETS):
        return None
    if len(text) > LONGEST_CHARACTERS or len(group.lines) > 2:  # noqa: PLR2004 - lines of a title
        match = NUMBERED.fullmatch(text) if text.endswith("?") and len(text) <= LONGEST_QUESTION_CHARACTERS else None
        return _numbered(text, match) if match else None
    if found := _by_words(text):
        return found
    if len(group.lines) == 1 and _GAPS.search(group.lines[0].strip()):
        gap = _GAPS.search(group.lines[0].strip())
        if gap is None or not NUMBERED.match(group.lines[0].strip()) or gap.end() > 12:  # noqa: PLR2004 - behind the number
            return None
    if match := NUMBERED.fullmatch(text):
        return _numbered(text, match)
    if (match := _ROMAN_NUMBERED.fullmatch(text)) and _is_title(match["title"]):
        return Found(text, "roman")
    if _SECTION_SIGN.fullmatch(text) and _is_title(text):
        return Found(text, "sign")
    if _in_capitals(text):
        return Found(text, "capitals")
    return None


def _numbered(text: str, match: re.Match[str]) -> Found | None:
    number, title = match["number"], match["title"]
    dotted = "." in number
    if not has_words(title) or (dotted and title.endswith(_NOT_AT_END)):
        return None
    is_sentence = not _is_title(title) and not dotted
    if is_sentence and title.endswith((",", ";")):
        return None
    return Found(text, "numbered" if dotted else "number", number.count(".") + 1, is_sentence)


def _is_title(words: str) -> bool:
    """Whether words begin and end as titles do."""
    return has_words(words) and not words.endswith(_NOT_AT_END) and not words[0].islower()


def _by_words(text: str) -> Found | None:
    """By the words that begin chapters: "Chapter IV", "Part One: The Title", "Erstes Kapitel", "Preface"."""
    words = _WORDS.findall(text[:LONGEST_CHARACTERS].lower())
    if not words:
        return None
    if len(words) <= 2 and text.rstrip(".:").lower() in NAMED:  # noqa: PLR2004 - a name of a part has one or two words
        return Found(text, "named")
    if words[0] in CHAPTER and len(words) > 1 and (text[0].isupper() or text[0].isdigit()):
        number = words[1] if words[1] not in {"the", "la", "le", "el", "il", "das"} or len(words) == 2 else words[2]  # noqa: PLR2004 - "Chapter the First"
        rest = text.split(None, 2)
        numbered = (
            number.isdigit()
            or number in ORDINALS
            or _ROMAN_ALONE.fullmatch(number.upper())
            or re.fullmatch(r"[a-z]", number)
        )
        if numbered and _ends_chapter_number(rest):
            return Found(text, "chapter")
    if len(words) == 2 and words[1] in CHAPTER and (words[0] in ORDINALS or words[0].isdigit()) and text[0].isupper():  # noqa: PLR2004 - "Erstes Kapitel"
        return Found(text, "chapter")
    return None


def _ends_chapter_number(rest: list[str]) -> bool:
    """Nothing after the number, or a title: "Part one of the story was told." is a sentence."""
    if len(rest) < 3:  # noqa: PLR2004 - word and number
        return True
    apart = rest[1][-1:] in ".:)\u2014\u2013-" or rest[2][:1] in "-\u2013\u2014:.(["
    return (
        (apart or rest[2][:1].isupper()) and not rest[2].endswith((",", ";")) and (apart or not rest[2].endswith("."))
    )


def _in_capitals(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return (
        len(letters) >= _FEWEST_CAPITALS
        and text.upper() == text
        and text.lower() != text
        and not text.endswith((",", ";", ":", "-"))
        and any(len(word) >= _FEWEST_CAPITALS for word in _WORDS.findall(text))
    )
