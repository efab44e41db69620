"""English: numbers, dates, times, money. American, without `and` in numbers and with the month first; and British."""

from __future__ import annotations

import re
from typing import ClassVar

from services.chunker.wording import english_words as table
from services.chunker.wording.language import Language
from services.chunker.wording.roman import value
from services.chunker.wording.tables import Noun, words, words_in_order

_ONES = words_in_order("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen
""")
_TENS = words_in_order("""
    - - twenty thirty forty fifty sixty seventy eighty ninety
""")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_ORDINAL = re.compile(r"(?<![\w.,])(\d{1,3}(?:,\d{3})*|\d{1,9})(?:st|nd|rd|th)(?!\w)", re.IGNORECASE)
_DECADE = re.compile(r"(?<![\w.,])(?:(1[1-9]\d|20\d)0|['\u2019]?([2-9])0)['\u2019]?s(?!\w)")
_CENTURIES = re.compile(r"(?<!\w)(X{0,2}(?:IX|IV|V?I{0,3}))(?:th|st|nd|rd)(?= centur)")
_NOT_COUNTED = words("""
    was is has as its his this us thus perhaps always towards across
""")
_COUNTED = words("""
    people men women children members years days miles feet times percent
""")
_DATING = words("""
    in since until till by from before after around circa year of during late early mid to and summer winter
    spring autumn fall
""") | {month.lower() for month in table.MONTHS}


class English(Language, table=table):
    """English as in the United States."""

    tag = "en"
    has_words = True
    month_first = True
    month_before_day = True
    day_marks = r"(?:st|nd|rd|th)?"
    plain_units: ClassVar[frozenset[str]] = frozenset({"C", "F"})
    articles: ClassVar[frozenset[str]] = frozenset({"a", "an"})
    and_in_numbers: ClassVar[bool] = False

    def cardinal(self, n: int) -> str:
        if n < 20:
            return _ONES[n]
        if n < 100:
            return _TENS[n // 10] + (f"-{_ONES[n % 10]}" if n % 10 else "")
        scale, name = next(each for each in _SCALES if n >= each[0])
        whole, rest = divmod(n, scale)
        joint = " and " if self.and_in_numbers and 0 < rest < 100 else " "
        return f"{self.cardinal(whole)} {name}" + (f"{joint}{self.cardinal(rest)}" if rest else "")

    def ordinal(self, n: int, *, before: str = "", after: str = "") -> str:
        del before, after
        said = self.cardinal(n)
        cut = max(said.rfind(" "), said.rfind("-")) + 1
        last = said[cut:]
        return said[:cut] + (_IRREGULAR.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"))

    def say_ordinals(self, text: str) -> str:
        text = _ORDINAL.sub(lambda found: self.ordinal(int(found[1].replace(",", ""))), text)
        return _DECADE.sub(self._decade, text)

    def _decade(self, found: re.Match[str]) -> str:
        if found[2]:
            return f"{_TENS[int(found[2])][:-1]}ies"
        century, decade = divmod(int(found[1]), 10)
        if decade == 0:
            return f"{self.cardinal(century)} hundreds" if century % 10 else f"{self.cardinal(century // 10)} thousands"
        return f"{self.cardinal(century)} {'tens' if decade == 1 else _TENS[decade][:-1] + 'ies'}"

    def fraction(self, numerator: int, denominator: int) -> str:
        if not 0 < numerator < denominator or denominator > 20:
            return ""
        if (numerator, denominator) == (1, 2):
            return "one half"
        name = {2: "half", 4: "quarter"}.get(denominator) or self.ordinal(denominator)
        return f"{self.cardinal(numerator)} {name}{'s' if numerator > 1 else ''}"

    def mixed(self, whole: int, fraction: str) -> str:
        return f"{self.cardinal(whole)} and {re.sub('^one ', 'a ', fraction) if fraction == 'one half' else fraction}"

    def is_year(self, n: int, digits: int, *, before: str, after: str) -> bool:
        if digits != 4 or not (1010 if before in _DATING else 1100) <= n < 2100:
            return False
        plural = after in _COUNTED or (after.islower() and after.endswith("s") and after not in _NOT_COUNTED)
        return not plural or before in _DATING

    def year(self, n: int) -> str:
        century, rest = divmod(n, 100)
        if 2000 <= n < 2010 or not 1010 <= n < 2100:
            return self.cardinal(n)
        if rest == 0:
            return f"{self.cardinal(century)} hundred"
        return f"{self.cardinal(century)} {'oh ' if rest < 10 else ''}{self.cardinal(rest)}"

    def short_year(self, first: int, n: int) -> str:
        del first
        return f"{'oh ' if n < 10 else ''}{self.cardinal(n)}"

    def code(self, digits: str) -> str:
        if len(digits) == 3 and digits[0] != "0" and digits[1] != "0":
            return f"{self.cardinal(int(digits[0]))} {self.cardinal(int(digits[1:]))}"
        if len(digits) == 4 and digits[0] != "0" and digits[2] != "0":
            return f"{self.cardinal(int(digits[:2]))} {self.cardinal(int(digits[2:]))}"
        return super().code(digits)

    def say_centuries(self, text: str) -> str:
        return _CENTURIES.sub(lambda found: self.ordinal(value(found[1])) if found[1] else found[0], text)

    def numbered_ruler(self, n: int, *, name: str, before: str) -> str:
        del name, before
        return f"the {self.ordinal(n)}"

    def date(self, day: int, month: int, year: int | None, *, before: str = "") -> str:
        del before
        of_year = f", {self.year(year)}" if year else ""
        return f"{self.months[month - 1]} {self.ordinal(day)}{of_year}"

    def named_date(self, day: int, month: int, year: int | None, *, before: str, order: str) -> str:
        if order == "mdy":
            return self.date(day, month, year)
        article = "" if before == "the" else "the "
        return f"{article}{self.ordinal(day)} of {self.months[month - 1]}{f', {self.year(year)}' if year else ''}"

    def time(self, hour: int, minute: int, second: int | None, *, half: str = "", marked: bool = False) -> str:
        if not half and not minute and not second:
            said = (
                f"{self.cardinal(hour)} {'hundred' if hour > 12 else 'hours'}"
                if marked or hour > 12 or hour == 0
                else f"{self.cardinal(hour)} o'clock"
            )
            return said + (" hours" if marked and hour > 12 else "")
        minutes = f" {'oh ' if minute < 10 else ''}{self.cardinal(minute)}" if minute or second else ""
        seconds = f" and {self.cardinal(second)} second{'' if second == 1 else 's'}" if second else ""
        return f"{self.cardinal(hour)}{minutes}{seconds}{' ' + ' '.join(half.upper()) if half else ''}"

    def money(self, whole: str, part: str, noun: Noun) -> str:
        hundredths = int(part)
        small = f"{self.cardinal(hundredths)} {noun.part[0] if hundredths == 1 else noun.part[1]}"
        if not int(whole):
            return small
        return f"{self.cardinal(int(whole))} {noun.one if whole == '1' else noun.many} and {small}"


class BritishEnglish(English):
    """English as in the United Kingdom: the day before the month, `and` in numbers."""

    tag = "en-gb"
    month_first = False
    and_in_numbers = True

    def date(self, day: int, month: int, year: int | None, *, before: str = "") -> str:
        return self.named_date(day, month, year, before=before, order="dmy")

    def named_date(self, day: int, month: int, year: int | None, *, before: str, order: str) -> str:
        return (
            super().named_date(day, month, year, before=before, order=order)
            if order == "dmy"
            else super().date(day, month, year)
        )
