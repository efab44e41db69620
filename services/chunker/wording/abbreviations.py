"""Abbreviations: `Dr.` → Doctor, `z. B.` → zum Beispiel, `p. 7` → page 7."""

from __future__ import annotations

import re
from functools import cache

from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes
from services.chunker.wording.tables import Abbreviation

_SPACES_BETWEEN = r" ?"
_LETTER_AND_STOP = 2
"""A single capital with a full stop is an initial."""
_DOT_IN_WORD = re.compile(r"\.(?=\w)")
_ROMAN = re.compile(r" ?[IVXLC]{1,8}(?!\w)")


@cache
def _pattern(language: Language) -> re.Pattern[str]:
    """All abbreviations of a language, the longest first; the space in `z. B.` may be missing."""
    table = language.abbreviations
    written = sorted(
        {*table, *(_capital(each) for each in table if len(each) > _LETTER_AND_STOP)}, key=len, reverse=True
    )
    choices = "|".join(_SPACES_BETWEEN.join(re.escape(part) for part in each.split(" ")) for each in written)
    return re.compile(rf"(?<![\w.@/-])({choices})(?![\w@])")


def write_out(text: str, language: Language, notes: Notes) -> str:
    """Write out abbreviations."""
    del notes
    if not language.abbreviations:
        return text
    return _pattern(language).sub(lambda found: _said(found, text, language), text)


def _said(found: re.Match[str], text: str, language: Language) -> str:
    written = found[1]
    entry = _entry(written, language)
    if entry is None:
        return written
    ahead = text[found.end() : found.end() + 3].lstrip(" ")
    if entry.before_number and not (ahead[:1].isdecimal() or _is_roman(text, found.end())):
        return written
    if entry.before_name and not ahead[:1].isupper():
        return written
    said = entry.said
    if _begins_sentence(text, found.start()) and written[:1].isupper():
        said = _capital(said)
    at_end = not ahead or (ahead[:1] in "\"'\u201d\u2019\u00bb)" and len(ahead) == 1)
    followed = text[found.end() : found.end() + 1] == " " and ahead[:1].isupper()
    return (
        f"{said}."
        if written.endswith(".") and (at_end or (entry.ends_sentence and followed and not language.capitalises_nouns))
        else said
    )


def _entry(written: str, language: Language) -> Abbreviation | None:
    """The entry, whether or not the spaces in it are written, also where a capital begins the sentence."""
    table = language.abbreviations
    for each in (written, written[:1].lower() + written[1:]):
        for spaced in (each, each.replace(". ", "."), _DOT_IN_WORD.sub(". ", each)):
            if spaced in table:
                return table[spaced]
    return None


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def _is_roman(text: str, at: int) -> bool:
    return _ROMAN.match(text, at) is not None


def _begins_sentence(text: str, at: int) -> bool:
    return at == 0 or text[max(0, at - 2) : at].strip(" ")[-1:] in '.!?:\u2026"\u201c\u201e\u00ab('
