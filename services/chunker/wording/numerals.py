"""What no other pass has said: fractions, ranges, versions, telephone numbers, years, plain numbers."""

from __future__ import annotations

import re
from functools import cache

from services.chunker.wording.calendar import word_before
from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_CARDINAL_LIMIT_DIGITS = 15
"""Longer numbers are said digit by digit."""
_PHONE = re.compile(
    r"(?<![\w.])\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){1,8}(?![\w]|[.,]\d)"
    r"|(?<![\w.])\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?![\w-])"
    r"|(?<![\w.])0\d(?:[ .]\d{2}){4}(?![\w-])"
    r"|(?<![\w.])(?<!\d )0\d{2,4}[ /-]\d{3,8}(?:[ -]\d{1,5}){0,3}(?![\w-]|[.,]\d)"
    r"|(?<![\w.])\(0\d{1,4}\) ?\d{2,8}(?:[ -]\d{1,5}){0,4}(?![\w-]|[.,]\d)"
)
_VERSION = re.compile(
    r"(?<![\w.,])[vV]?\d{1,5}(?:\.\d{1,5}){2,5}(?![\w]|\.\d)|(?<![\w.,])[vV]\d{1,5}(?:\.\d{1,5})?(?![\w]|\.\d)"
)
_POINTED = re.compile(r"(?<![\w.,])\d{1,9}\.\d{1,9}(?![\w]|[.,]\d)")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_RATIO = re.compile(r"(?<![\w.,:])(\d{1,4}):(\d{1,4})(?![\w:]|[.,]\d)")
_FRACTION = re.compile(r"(?<![\w.,:/])(?:(\d{1,4}) )?(\d{1,4})[/\u2044](\d{1,4})(?![\w/]|[.,]\d)")
_VULGAR = {
    "\u00bd": (1, 2),
    "\u2153": (1, 3),
    "\u2154": (2, 3),
    "\u00bc": (1, 4),
    "\u00be": (3, 4),
    "\u215b": (1, 8),
    "\u215c": (3, 8),
    "\u215d": (5, 8),
    "\u215e": (7, 8),
    "\u2155": (1, 5),
    "\u2156": (2, 5),
    "\u2157": (3, 5),
    "\u2158": (4, 5),
    "\u2159": (1, 6),
    "\u215a": (5, 6),
}
_VULGAR_FRACTION = re.compile(rf"(?<![\w.,])(\d{{1,4}})? ?([{''.join(_VULGAR)}])")
_YEARS = re.compile(r"(?<![\w.,:/])(1[1-9]\d{2}|20\d{2})[\u2013/-](\d{4}|\d{2})(?![\w/\u2013-]|[.,]\d)")
_NUMBER_SIGN = re.compile(r"(?<![\w&])(?:#|\u2116 ?|[nN](?:[\u00b0\u00ba]|\.\u00ba) ?)(?=\d)")
_SIGNED = re.compile(r"(?<![\w.,)\]\u2013\u2212-])[-\u2212](?=\d)|(?<![\w)\]])([\u00b1~\u2248+])(?=\d)")
_WORD = re.compile(r" ([^\W\d_]+)")


@cache
def _patterns(language: Language) -> tuple[re.Pattern[str], re.Pattern[str]]:
    bare = language.number.replace(r"(?<![\w])", "", 1)
    return (
        re.compile(rf"({language.number})(?: ?\u2013 ?|-)({bare})(?![\w\u2013-]|[.,:]\d)"),
        re.compile(rf"{language.number}(?![\w])"),
    )


def say_numbers(text: str, language: Language, notes: Notes) -> str:
    """Say the numbers that are left."""
    del notes
    if not language.has_words:
        return text
    if any(sign in text for sign in _VULGAR):
        text = _VULGAR_FRACTION.sub(lambda found: _fraction_of(found[1], *_VULGAR[found[2]], language), text)
    if not any(map(str.isdecimal, text)):
        return text
    for written, said in language.fixed.items():
        if written in text:
            text = re.sub(rf"(?<![\w./]){re.escape(written)}(?![\w/])", said, text)
    text = _PHONE.sub(lambda found: language.telephone(found[0]), text)
    text = _VERSION.sub(lambda found: _version(found[0], language), text)
    if language.decimal_mark == ",":
        text = _POINTED.sub(lambda found: _version(found[0], language), text)
    text = language.version_after.sub(lambda found: f"{found[1]} {_version(found[2], language)}", text)
    text = _YEARS.sub(lambda found: _years(found, language), text)
    text = _RATIO.sub(
        lambda found: (
            f"{language.cardinal(int(found[1]))} {language.words['ratio']} {language.cardinal(int(found[2]))}"
        ),
        text,
    )
    text = _FRACTION.sub(lambda found: _fraction(found, language), text)
    text = _NUMBER_SIGN.sub(f"{language.words['number']} ", text)
    text = _SIGNED.sub(lambda found: language.signed(found[0]), text)
    until, number = _patterns(language)
    text = until.sub(lambda found: _range(found, text, language), text)
    return number.sub(lambda found: plain(found[0], language, text, found.start(), found.end()), text)


def plain(written: str, language: Language, text: str, start: int, end: int) -> str:
    """A number without a sign or a unit, which stands at `start` in the text."""
    whole, decimals = language.parsed(written)
    if decimals:
        return language.decimal(whole, decimals)
    if len(whole) > _CARDINAL_LIMIT_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        return language.digits(whole)
    before, ahead = word_before(text, start), _WORD.match(text, end)
    after = ahead[1] if ahead else ""
    if written == whole and language.is_year(int(whole), len(whole), before=before, after=after):
        return language.year(int(whole))
    return language.counted(int(whole), before=before, after=after)


def _range(found: re.Match[str], text: str, language: Language) -> str:
    first, second = (language.parsed(each) for each in found.groups())
    is_code = first[1] or second[1] or len(first[0]) > 6 or len(second[0]) > 6 or first[0][:1] == "0"
    if is_code and "\u2013" not in found[0]:
        return found[0].replace("-", " ")
    said = [plain(each, language, text, found.start(), found.end()) for each in found.groups()]
    return f"{said[0]} {language.words['to']} {said[1]}"


def _years(found: re.Match[str], language: Language) -> str:
    first, second = int(found[1]), int(found[2])
    if len(found[2]) == 4:
        said = (
            language.year(second) if language.is_year(second, 4, before="in", after="") else language.cardinal(second)
        )
    elif second <= first % 100:
        return found[0].replace("/", " ").replace("-", " ")
    else:
        said = language.short_year(first, second)
    return f"{language.year(first)} {language.words['to']} {said}"


def _version(written: str, language: Language) -> str:
    is_named = written[0] in "vV"
    if "." in language.group_marks and _GROUPED.fullmatch(written):
        return written
    parts = f" {language.words['point']} ".join(
        language.cardinal(int(each)) if each[0] != "0" or each == "0" else language.digits(each)
        for each in written.lstrip("vV").split(".")
    )
    return f"{language.words['version']} {parts}" if is_named else parts


def _fraction(found: re.Match[str], language: Language) -> str:
    return _fraction_of(found[1], int(found[2]), int(found[3]), language) or (
        (f"{language.cardinal(int(found[1]))} " if found[1] else "")
        + f"{language.cardinal(int(found[2]))} {language.words['over']} {language.cardinal(int(found[3]))}"
    )


def _fraction_of(whole: str | None, numerator: int, denominator: int, language: Language) -> str:
    said = language.fraction(numerator, denominator)
    if not (said and whole):
        return said
    return language.mixed(int(whole), said)
