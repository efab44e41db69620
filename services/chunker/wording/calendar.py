"""Dates, times of day and decades."""

from __future__ import annotations

import re
from functools import cache, partial

from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:1\d{3}|20\d{2}|21\d{2})"
_ISO = re.compile(
    rf"(?<![\w.:/-])({_YEAR})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,9})?)?(Z| ?[+-]\d{2}:?\d{2})?)?(?![\w-]|:\d|\.\d)"
)
_DOTS = re.compile(rf"(?<![\w.:/-])({_DAY})\. ?({_MONTH})\. ?({_YEAR})(?![\w-])")
_DOTS_NO_YEAR = re.compile(r"(?<![\w.:/-])(0?[1-9]|[12]\d|3[01])\.(0?[1-9]|1[0-2])\.(?![\w.])")
_SLASHES = re.compile(rf"(?<![\w.:/-])(\d{{1,2}})([/-])(\d{{1,2}})\2({_YEAR}|\d{{2}})(?![\w/-])")
_BEFORE = re.compile(r"([^\W\d_]+)[ (]*$")
_TIME = re.compile(
    r"(?<![\w.:/,-])([01]?\d|2[0-4])(?:[:h]([0-5]\d)|(?= ?[ap]\.? ?m\b))(?::([0-5]\d))?"
    r"(?: ?(?:([ap])\.? ?m\b(\.)?)| ?(Uhr|hrs|hs?|hours)\b(?:\.(?= [a-z\u00e0-\u00ff,;)]))?)?(?![\w:]|[.,]\d)",
    re.IGNORECASE,
)
_TIMES = re.compile(r"(?<=\d:\d\d) ?[\u2013-] ?(?=\d{1,2}:\d\d)")
_DOTTED_TIME = re.compile(
    r"(?<![\w.:/,-])([01]?\d|2[0-3])\.([0-5]\d)(?: ?(?:([ap])\.? ?m\b(\.)?)| ?(Uhr)\b)", re.IGNORECASE
)
_HOURS = re.compile(r"(?<![\w.:/,-])([01]?\d|2[0-4]) ?(?:h) ?([0-5]\d)(?: ?min\b)?(?!\w)")


def say_dates(text: str, language: Language, notes: Notes) -> str:
    """Say dates and times."""
    del notes
    if not language.has_words or not any(map(str.isdecimal, text)):
        return text
    text = _ISO.sub(lambda found: _iso(found, language), text)
    text = _DOTS.sub(lambda found: _date(found, language, found[1], found[2], found[3]), text)
    if language.dots_are_dates:
        text = _DOTS_NO_YEAR.sub(lambda found: _date(found, language, found[1], found[2], None), text)
    text = _SLASHES.sub(lambda found: _slashes(found, language), text)
    for pattern, order in _named(language):
        text = pattern.sub(partial(_with_month, language=language, order=order), text)
    text = _TIMES.sub(f" {language.words['to']} ", text)
    text = _TIME.sub(lambda found: _time(found, language), text)
    text = _DOTTED_TIME.sub(lambda found: _dotted_time(found, language), text)
    if language.hours_by_letter:
        text = _HOURS.sub(lambda found: language.time(int(found[1]), int(found[2]), None, marked=True), text)
    return text


def word_before(text: str, at: int) -> str:
    """The word in front of a position, in lower case; "" if something else stands there."""
    found = _BEFORE.search(text, max(0, at - 30), at)
    return found[1].lower() if found else ""


@cache
def _named(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Dates with the month's name, each with the order of its parts."""
    months = "|".join(language.months)
    day = rf"({_DAY})(?:{language.day_marks})"
    year = rf"({_YEAR})(?![\w-]|[.,]\d|\u2013\d)"
    day_first = rf"(?<![\w.:/,-]){day} ?(?:{language.of} )?({months})(?![\w-])(?:,? (?:{language.of_year} )?{year})?"
    found = [(re.compile(day_first, re.IGNORECASE), "dmy")]
    if language.month_before_day:
        found.append((re.compile(rf"(?<!\w)({months}) {day}(?![\w:]|[.,]\d|\u2013\d)(?:,? {year})?"), "mdy"))
    return tuple(found)


def _iso(found: re.Match[str], language: Language) -> str:
    said = _date(found, language, found[3], found[2], found[1])
    if found[4] is None:
        return said
    zone = " U T C" if found[7] == "Z" else f" {found[7].strip()}" if found[7] else ""
    second = int(found[6] or 0) or None
    return f"{said}, {language.time(int(found[4]), int(found[5]), second)}{zone}"


def _date(found: re.Match[str], language: Language, day: str, month: str, year: str | None) -> str:
    before = word_before(found.string, found.start())
    return language.date(int(day), int(month), int(year) if year else None, before=before)


def _slashes(found: re.Match[str], language: Language) -> str:
    first, second, year = int(found[1]), int(found[3]), found[4]
    day, month = (second, first) if (language.month_first and first <= 12) or second > 12 else (first, second)
    if not (1 <= day <= 31 and 1 <= month <= 12) or (found[2] == "-" and len(year) == 2):
        return found[0]
    century = 0 if len(year) > 2 else 2000 if int(year) < 50 else 1900
    return language.date(day, month, century + int(year), before=word_before(found.string, found.start()))


def _with_month(found: re.Match[str], *, language: Language, order: str) -> str:
    day, month = (found[1], found[2]) if order == "dmy" else (found[2], found[1])
    number = [each.lower() for each in language.months].index(month.lower()) % 12 + 1
    return language.named_date(
        int(day),
        number,
        int(found[3]) if found[3] else None,
        before=word_before(found.string, found.start()),
        order=order,
    )


def _time(found: re.Match[str], language: Language) -> str:
    hour, minute, second = found[1], found[2], found[3]
    if hour == "24" and minute not in {None, "00"}:
        return found[0]
    half = f"{found[4].lower()}m" if found[4] else ""
    if half and int(hour) > 12:
        half = ""
    said = language.time(int(hour), int(minute or 0), int(second) if second else None, half=half, marked=bool(found[6]))
    return said + _stop(found, found[5])


def _dotted_time(found: re.Match[str], language: Language) -> str:
    half = f"{found[3].lower()}m" if found[3] else ""
    return language.time(int(found[1]), int(found[2]), None, half=half, marked=bool(found[5])) + _stop(found, found[4])


def _stop(found: re.Match[str], stop: str | None) -> str:
    """The full stop of `p.m.` where it also ends the text."""
    return "." if stop and not found.string[found.end() :].strip("\"')\u201d\u2019\u00bb ") else ""
