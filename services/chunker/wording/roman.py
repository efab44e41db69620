"""Roman numerals: in headings and after the words for divisions, after the names of rulers, with centuries."""

from __future__ import annotations

import re
from functools import cache

from services.chunker.wording.calendar import word_before
from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_NUMERAL = r"(?:X{1,3}(?:IX|IV|V?I{0,3})|IX|IV|VI{0,3}|I{1,3})"
"""1 to 39: beyond that it is more often an initialism (CD, MD, XL)."""
_LONG_NUMERAL = r"(?=[IVXLC])(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
_AT_START = re.compile(rf"({_LONG_NUMERAL})(?=[.:)]?$|[.:)\u2014\u2013-] | [\u2013\u2014-] )")
_AFTER_NAME = re.compile(rf"(?<!\w)([A-Z\u00c0-\u00de][a-z\u00df-\u00ff]{{1,20}}) ({_NUMERAL})(\.)?(?![\w-])")


def value(numeral: str) -> int:
    """XIV → 14."""
    total = 0
    for letter, following in zip(numeral, f"{numeral[1:]} ", strict=True):
        one = _VALUES[letter]
        total += -one if _VALUES.get(following, 0) > one else one
    return total


def is_numeral(word: str) -> bool:
    """Whether a word of two letters or more is a Roman numeral from 2 to 39."""
    return len(word) > 1 and re.fullmatch(_NUMERAL, word) is not None


@cache
def _divisions(language: Language) -> re.Pattern[str]:
    words = "|".join(sorted(language.divisions, key=len, reverse=True))
    return re.compile(rf"(?<!\w)({words}) ({_LONG_NUMERAL})(?![\w-])", re.IGNORECASE)


def say_roman(text: str, language: Language, notes: Notes, *, heading: bool) -> str:
    """Say Roman numerals where they are some."""
    del notes
    if not language.has_words:
        return text
    text = language.say_centuries(text)
    text = _divisions(language).sub(lambda found: _division(found, language), text)
    if heading and (found := _AT_START.match(text)) and found[1]:
        text = _capital(language.cardinal(value(found[1]))) + text[found.end(1) :]
    return _AFTER_NAME.sub(lambda found: _named(found, text, language), text)


def _division(found: re.Match[str], language: Language) -> str:
    if not found[2].isupper():
        return found[0]
    return f"{found[1]} {language.cardinal(value(found[2]))}"


def _named(found: re.Match[str], text: str, language: Language) -> str:
    name, numeral, stop = found.groups()
    is_ruler = name in language.rulers or name.removesuffix("s") in language.rulers
    if not is_ruler:
        return f"{name} {language.cardinal(value(numeral))}{stop or ''}" if len(numeral) > 1 else found[0]
    if language.ordinals_have_stops and not stop:
        return f"{name} {language.cardinal(value(numeral))}" if len(numeral) > 1 else found[0]
    if (
        numeral == "I"
        and not stop
        and re.compile(r" (?:[a-z]+|'m|'ve)").match(text, found.end())
        and language.tag == "en"
    ):
        return found[0]  # `George I saw` may be the narrator
    said = language.numbered_ruler(value(numeral), name=name, before=word_before(text, found.start()))
    at_end = stop and not (language.ordinals_have_stops and text[found.end() :].strip())
    return f"{name} {said}{stop if at_end else ''}"


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]
