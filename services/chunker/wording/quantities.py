"""Money, percentages, and numbers with a unit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes
from services.chunker.wording.tables import Noun

_AMBIGUOUS = frozenset("ABCFKNVWJhtsglm")
"""Units of one letter. Where a word follows after a space, the letter may be a word or a name."""
_WORD = re.compile(r" ([^\W\d_]+)")
_SIGN = r"(?:(?<![\w)\]])[-\u2212\u2013+\u00b1](?=\d))?"
_RANGE = r"(?: ?[\u2013-] ?)"


@cache
def _patterns(language: Language) -> tuple[re.Pattern[str], ...]:
    number = language.number
    bare = number.replace(r"(?<![\w])", "", 1)
    letters = _choice(each for each in language.currencies if _is_code(each))
    marks = _choice(each for each in language.currencies if not _is_code(each))
    scale = rf"(?: ?(?P<scale>{_choice(language.magnitudes)})(?![\w]))?"
    lead = rf"(?P<sign>{_SIGN})(?P<number>{number})(?:{_RANGE}(?P<until>{bare}))?+"
    return (
        re.compile(
            rf"(?<![\w])(?P<sign>[-\u2212]?)(?:(?P<letters>{letters}) ?|(?P<mark>{marks}) ?)(?P<number>{bare})"
            rf"(?:{_RANGE}(?:{marks})?(?P<until>{bare}))?+{scale}(?![\w]|[.,]\d)"
        ),
        re.compile(rf"{lead}{scale} ?(?P<currency>{_choice(language.currencies)})(?![\w])"),
        re.compile(rf"{lead} ?(?P<unit>{_choice(language.units)})(?![\w\u00b2\u00b3'\u2019])(?!-[^\W\d_])"),
    )


def _choice(written: Iterable[str]) -> str:
    """Any of them, the longest first."""
    return "|".join(re.escape(each) for each in sorted(written, key=len, reverse=True))


def _is_code(currency: str) -> bool:
    """Whether it is a code of ISO 4217, which stands before the number as well as after it."""
    return len(currency) == 3 and currency.isalpha()


def say_quantities(text: str, language: Language, notes: Notes) -> str:
    """Say amounts of money and numbers with units."""
    del notes
    if not language.has_words or not any(map(str.isdecimal, text)):
        return text
    before, after, units = _patterns(language)
    text = before.sub(lambda found: _money(found, found["letters"] or found["mark"], language), text)
    text = after.sub(lambda found: _money(found, found["currency"], language), text)
    return units.sub(lambda found: _unit(found, text, language), text)


def _money(found: re.Match[str], currency: str, language: Language) -> str:
    sign, number, until, scale = found["sign"], found["number"], found["until"], found["scale"]
    noun = language.currencies[currency]
    if until:
        sign, number, begin = "", until, f"{_said(sign, number, noun, language)} {language.words['to']} "
    else:
        begin = ""
    whole, decimals = language.parsed(number)
    if scale:
        return begin + language.scaled(_said(sign, number, noun, language), language.magnitudes[scale], noun)
    if len(decimals) == 2 and noun.part[0] and len(whole) <= 15:
        if int(decimals):
            return begin + language.signed(sign) + language.money(whole, decimals, noun)
        number = whole
    return begin + _with_noun(sign, number, noun, language)


def _unit(found: re.Match[str], text: str, language: Language) -> str:
    sign, number, until, unit = found["sign"], found["number"], found["until"], found["unit"]
    if unit in _AMBIGUOUS and unit not in language.plain_units:
        ahead = _WORD.match(text, found.end())
        if ahead and ahead[1] not in language.after_units:
            return found[0]
    noun = language.units[unit]
    if until:
        return f"{_said(sign, number, noun, language)} {language.words['to']} {_with_noun('', until, noun, language)}"
    return _with_noun(sign, number, noun, language)


def _said(sign: str, number: str, noun: Noun, language: Language) -> str:
    whole, decimals = language.parsed(number)
    if decimals:
        return language.signed(sign) + language.decimal(whole, decimals)
    return language.signed(sign) + (language.counting(int(whole), noun) if len(whole) <= 15 else language.digits(whole))


def _with_noun(sign: str, number: str, noun: Noun, language: Language) -> str:
    whole, decimals = language.parsed(number)
    one = language.is_one(whole, decimals)
    return f"{_said(sign, number, noun, language)} {noun.one if one else noun.many}"
