"""What stands around a text: the licence that Project Gutenberg puts before and after it, and headers of fields."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from services.chunker.documents.document import Omissions

_LICENCE = "a licence is for reading, not for listening"
_HEADER = "a header of fields is no text; its title, author and language are used"

_HEAD_ROWS = 2_000
_FIELD_ROWS = 60
_START = re.compile(
    r"\s*\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG E(?:BOOK|TEXT).{0,300}|\s*\*END\*? ?THE SMALL PRINT.{0,200}"
    r"|\s*\*SMALL PRINT! .{0,200}\*END\*.{0,20}",
    re.IGNORECASE,
)
_END = re.compile(
    r"\s*(?:\*{3} ?)?END OF (?:THE |THIS )?PROJECT GUTENBERG(?:'S|\u2019S)?(?: E(?:BOOK|TEXT))?\b.{0,300}",
    re.IGNORECASE,
)
_FIELD = re.compile(r"([A-Z][A-Za-z]{1,20}(?:[- ][A-Za-z]{1,20})?):(?:[ \t]+(\S.{0,500}))?")
_RFC = re.compile(r"(?:Request for Comments|RFC):? ?\d{1,5}\b", re.IGNORECASE)
_COLUMNS = re.compile(r"\S.{0,80}?\S\s{3,}\S.{0,60}|\s{20,}\S.{0,60}")
_INITIALS_AND_NAME = re.compile(r"(?:[A-Z]\.[- ]?){1,4}(?:[a-z]{1,4} ){0,2}[A-Z\u00c0-\u00de][\w\u2019'-]{1,30}")
_TITLES = ("title", "subject", "titel", "titre", "titulo", "t\u00edtulo", "titolo")
_AUTHORS = ("author", "authors", "from", "autor", "auteur", "autore")
_LANGUAGES = ("language", "content-language")
_ENOUGH_FIELDS = 2
_CODES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl", "russian": "ru", "polish": "pl", "swedish": "sv", "danish": "da", "finnish": "fi", "czech": "cs",
}  # fmt: skip
"""The languages as Project Gutenberg names them."""


@dataclass(slots=True)
class Frame:
    """What a text says about itself.

    Attributes:
        rows: the text without it.
        title: None if it names none.
        author: None if it names none.
        language: as stated.
        is_rfc: whether it is an RFC, whose first lines are columns.
    """

    rows: list[str]
    title: str | None = None
    author: str | None = None
    language: str | None = None
    is_rfc: bool = False
    fields: dict[str, str] = field(default_factory=dict)


def take(rows: list[str], omissions: Omissions, *, keep: bool) -> Frame:
    """Take the frame off.

    Args:
        rows: the lines of a text.
        omissions: gets what is left out.
        keep: whether licences stay, because everything is to be read.
    """
    frame = _without_licence(rows, omissions, keep=keep)
    _take_fields(frame, omissions)
    if not frame.title:
        _take_rfc_head(frame, omissions)
    return frame


def _without_licence(rows: list[str], omissions: Omissions, *, keep: bool) -> Frame:
    start = next((at for at, row in enumerate(rows[:_HEAD_ROWS]) if row and _START.fullmatch(row)), None)
    end = next(
        (at for at in range(len(rows) - 1, -1, -1) if "GUTENBERG" in rows[at].upper() and _END.fullmatch(rows[at])),
        None,
    )
    frame = Frame(rows)
    if start is not None:
        _read_fields(frame, rows[:start])
    if keep:
        return frame
    first, last = (0 if start is None else start + 1), (len(rows) if end is None or end <= (start or 0) else end)
    for part in (rows[:first], rows[last:]):
        if words := " ".join(row for row in part[:20] if row):
            omissions.add("licence", _LICENCE, words)
    frame.rows = rows[first:last]
    return frame


def _read_fields(frame: Frame, rows: list[str]) -> None:
    name = ""
    for row in rows:
        found = _FIELD.fullmatch(row) if row else None
        if found is not None:
            name = found.group(1).lower()
            frame.fields.setdefault(name, found.group(2) or "")
        elif row[:1] == " " and name:
            frame.fields[name] = f"{frame.fields[name]} {row.strip()}"[:1_000]
        elif row:
            name = ""
    frame.title = frame.title or _first(frame.fields, _TITLES)
    frame.author = frame.author or _first(frame.fields, _AUTHORS)
    stated = _first(frame.fields, _LANGUAGES)
    frame.language = frame.language or (_CODES.get(stated.lower(), stated) if stated else None)


def _first(fields: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((" ".join(fields[name].split()) for name in names if fields.get(name, "").strip()), None)


def _take_fields(frame: Frame, omissions: Omissions) -> None:
    """A block of fields at the beginning ("Title: …", "Author: …"): several, one of them a title."""
    first = next((at for at, row in enumerate(frame.rows[:_FIELD_ROWS]) if row.strip()), None)
    if first is None or not _FIELD.fullmatch(frame.rows[first]):
        return
    last = first
    while last < min(len(frame.rows), first + _FIELD_ROWS) and frame.rows[last].strip():
        last += 1
    block = frame.rows[first:last]
    if not all(_FIELD.fullmatch(row) or row[:1] == " " for row in block):
        return
    found = Frame([])
    _read_fields(found, block)
    if len(found.fields) < _ENOUGH_FIELDS or not found.title:
        return
    omissions.add("header", _HEADER, " ".join(block))
    frame.rows = frame.rows[last:]
    frame.title = frame.title or found.title
    frame.author = frame.author or found.author
    frame.language = frame.language or found.language


def _take_rfc_head(frame: Frame, omissions: Omissions) -> None:
    """The columns at the head of an RFC: its number and date left, its authors right."""
    first = next((at for at, row in enumerate(frame.rows[:_FIELD_ROWS]) if row.strip()), None)
    if first is None:
        return
    last = first
    while last < min(len(frame.rows), first + _FIELD_ROWS) and frame.rows[last].strip():
        last += 1
    block = frame.rows[first:last]
    in_columns = sum(_COLUMNS.fullmatch(row) is not None for row in block)
    if not any(_RFC.search(row) for row in block) or 2 * in_columns < len(block):
        return
    frame.is_rfc = True
    right = [re.split(r"\s{3,}", row)[-1].strip() for row in block]
    frame.author = ", ".join(name for name in right if _INITIALS_AND_NAME.fullmatch(name)) or None
    omissions.add("header", _HEADER, " ".join(block))
    frame.rows = frame.rows[last:]
