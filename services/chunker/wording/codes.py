"""What is made for machines (hashes, identifiers, encoded data, book numbers): left out, and noted."""

from __future__ import annotations

import re

from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_UUID = re.compile(r"(?<![\w-])\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?(?![\w-])", re.IGNORECASE)
_DIGEST = re.compile(
    r"(?<![\w-])(?:(?:sha\d{1,3}|md5)[:-])?(?=[a-f]{0,11}\d)(?=\d{0,60}[a-f])[0-9a-f]{12,}+(?![\w-])", re.IGNORECASE
)
_SHORT_HASH = re.compile(
    r"(?<=\b(?:commit|Commit)) (?=[0-9a-f]{0,11}\d)(?=[0-9a-f]{0,11}[a-f])[0-9a-f]{7,12}(?![\w-])"
    r"|(?<=\b(?:revision|Revision)) (?=[0-9a-f]{0,11}\d)(?=[0-9a-f]{0,11}[a-f])[0-9a-f]{7,12}(?![\w-])"
)
_ENCODED = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{24,}+={0,2}(?![\w/-])")
_UPPER_BETWEEN = re.compile(r"[a-z0-9][A-Z]|[A-Za-z]\d")
_BOOK_NUMBER = re.compile(
    r"\(?\b(ISBN|ISSN)(?:-?1[03])?:? ?(?:97[89][ -]?)?\d(?:[ -]?\d){6,8}[ -]?[\dXx](?![\w-])\)?"
    r"|(?<![\w-])97[89]-\d{1,5}-\d{1,7}-\d{1,7}-[\dX](?![\w-])"
)
_ENTROPY = 5
"""Changes between small letters, capitals and digits in encoded data; a long name in a program has fewer."""


def leave_out(text: str, language: Language, notes: Notes) -> str:
    """Leave out what nobody could write down by ear."""
    del language
    text = _BOOK_NUMBER.sub(lambda found: _book_number(found, notes), text)
    for pattern in (_UUID, _DIGEST, _SHORT_HASH):
        text = pattern.sub(
            lambda found: notes.leave_out("hash", "nobody can write it down by ear", found[0].strip()), text
        )
    return _ENCODED.sub(lambda found: _encoded(found[0], notes), text)


def _book_number(found: re.Match[str], notes: Notes) -> str:
    """Nothing; after a word (`the ISBN 978-…`), the name of the number alone."""
    notes.leave_out("book number", "nobody can write it down by ear", found[0])
    front = found.string[max(0, found.start() - 2) : found.start()]
    return f"{found[1]} " if found[1] and front[:1].islower() and front[1:] in {" ", "'", "\u2019"} else " "


def _encoded(written: str, notes: Notes) -> str:
    mixed = (
        len(_UPPER_BETWEEN.findall(written)) >= _ENTROPY
        and any(map(str.isdecimal, written))
        and any(map(str.isupper, written))
        and any(map(str.islower, written))
    )
    return notes.leave_out("encoded data", "nobody can write it down by ear", written) if mixed else written
