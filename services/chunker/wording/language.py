"""What the passes ask of a language.

The base class has no words. It serves the languages that have no module: what needs none (citations, hashes, emoji,
addresses cut to their host) is the same in all of them, and numbers are left to the engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from types import ModuleType
from typing import ClassVar, Final

from services.chunker.wording.tables import Abbreviation, Noun

NOTHING = re.compile(r"(?!)")
_DIGIT_GROUPS = re.compile(r"\d+")
_TABLES: Final = (
    *("words", "version_after", "fixed", "months", "units", "currencies", "magnitudes", "abbreviations"),
    *("symbols", "symbols_between", "spelled", "acronyms", "stressed", "divisions", "rulers"),
)
"""Attributes of a language that a module of tables has under the same name, in capitals."""


class Language:
    """The words and the grammar of one language.

    Where a number depends on its neighbours, `before` is the word in front of it, in lower case, and `after` the word
    that follows, as written; both may be empty.
    """

    def __init_subclass__(cls, *, table: ModuleType | None = None) -> None:
        """Take the words from the language's module of tables; a variant of a language has those of its parent."""
        super().__init_subclass__()
        if table is not None:
            for name in _TABLES:
                setattr(cls, name, getattr(table, name.upper()))

    tag: ClassVar[str] = ""
    has_words: ClassVar[bool] = False
    words: ClassVar[Mapping[str, str]] = {}
    """By the English name of a sign: dot, slash, at, dash, minus, plus, to, …"""

    decimal_mark: ClassVar[str] = "."
    group_marks: ClassVar[str] = ","
    groups_by_space: ClassVar[bool] = False
    decimals_are_a_number: ClassVar[bool] = False
    """Whether 3,14 is three comma fourteen."""
    version_after: ClassVar[re.Pattern[str]] = NOTHING
    """A word after which 3.11 is a version and no decimal number, and the number."""
    fixed: ClassVar[Mapping[str, str]] = {}
    """What is said in a way of its own: 24/7."""

    months: ClassVar[tuple[str, ...]] = ()
    """Twelve names, then twelve short ones, as regular expressions."""
    month_first: ClassVar[bool] = False
    """Whether 3/4 is the fourth of March."""
    month_before_day: ClassVar[bool] = False
    """Whether a month's name may stand before the day's number."""
    dots_are_dates: ClassVar[bool] = False
    """Whether 3.4. is a date."""
    hours_by_letter: ClassVar[bool] = False
    """Whether 14 h 30 is a time."""
    day_marks: ClassVar[str] = ""
    """What may follow the day's number in a date, as a regular expression."""
    of: ClassVar[str] = "of"
    of_year: ClassVar[str] = "of"
    """Words between the parts of a date, as a regular expression."""

    units: ClassVar[Mapping[str, Noun]] = {}
    plain_units: ClassVar[frozenset[str]] = frozenset()
    """Units of one letter that no word begins after, whatever follows."""
    after_units: ClassVar[frozenset[str]] = frozenset({"of", "per"})
    """Words after which a single letter in front of them is a unit."""
    currencies: ClassVar[Mapping[str, Noun]] = {}
    magnitudes: ClassVar[Mapping[str, str]] = {}
    """Between a number and its currency: `m` → million; words that are said as they stand map to themselves."""

    abbreviations: ClassVar[Mapping[str, Abbreviation]] = {}
    capitalises_nouns: ClassVar[bool] = False
    symbols: ClassVar[Mapping[str, str]] = {}
    symbols_between: ClassVar[Mapping[str, str]] = {}
    """Signs that are said only between spaces, such as a plus."""

    spelled: ClassVar[frozenset[str]] = frozenset()
    """Initialisms that look like words."""
    acronyms: ClassVar[frozenset[str]] = frozenset()
    """Said as words although they are written in capitals."""
    stressed: ClassVar[frozenset[str]] = frozenset()
    """Short words, in small letters, that are written in capitals for stress alone."""
    divisions: ClassVar[frozenset[str]] = frozenset()
    """Words, in small letters, after which a Roman numeral counts: chapter, part, …"""
    rulers: ClassVar[frozenset[str]] = frozenset()
    """Names after which a Roman numeral of one letter counts, and is an ordinal."""
    articles: ClassVar[frozenset[str]] = frozenset()
    """Indefinite articles: after one, IV is no numeral."""
    ordinals_have_stops: ClassVar[bool] = False
    """Whether an ordinal is written with a full stop, as in Ludwig XIV."""

    @cached_property
    def number(self) -> str:
        """A regular expression of an unsigned number; it begins where no digit precedes."""
        group, decimal = f"[{self.group_marks}\u2019']", f"[{self.decimal_mark}]"
        by_space = r"(?: \d{3})++(?!\d)" if self.groups_by_space else r"(?: \d{3})*? 000(?! ?\d)"
        grouped = rf"[1-9]\d{{0,2}}(?:(?:{group}\d{{3}})++(?!\d)|{by_space})"
        return rf"(?<![\w])(?<!\d[.,:])(?:{grouped}|\d++)(?:{decimal}\d++)?+"

    @cached_property
    def between(self) -> re.Pattern[str]:
        """The signs of `symbols_between` with their spaces."""
        signs = "|".join(map(re.escape, self.symbols_between)) or "(?!)"
        return re.compile(rf" ({signs}) ")

    def parsed(self, number: str) -> tuple[str, str]:
        """The digits before and after the decimal mark of what `number` has matched."""
        whole, _, decimals = number.partition(self.decimal_mark)
        return "".join(filter(str.isdecimal, whole)), decimals

    # Numbers

    def cardinal(self, n: int) -> str:
        """21 → twenty-one."""
        return str(n)

    def counted(self, n: int, *, before: str = "", after: str = "") -> str:
        """A cardinal in its sentence."""
        del before, after
        return self.cardinal(n)

    def counting(self, n: int, noun: Noun) -> str:
        """A cardinal before a unit or a currency."""
        del noun
        return self.cardinal(n)

    def is_one(self, whole: str, decimals: str) -> bool:
        """Whether a noun stands in the singular after a number, given as digits."""
        return whole == "1" and not decimals

    def digits(self, digits: str) -> str:
        """Each digit by itself."""
        return " ".join(self.cardinal(int(digit)) for digit in digits)

    def decimal(self, whole: str, decimals: str) -> str:
        """3.14 → three point one four; the arguments are digits."""
        front = self.cardinal(int(whole)) if len(whole) <= 15 else self.digits(whole)
        mark = self.words["comma" if self.decimal_mark == "," else "point"]
        return f"{front} {mark} {self.decimals(decimals)}"

    def decimals(self, digits: str) -> str:
        """The digits after the decimal mark."""
        rest = digits.lstrip("0")
        if not self.decimals_are_a_number or not rest or len(rest) > 3:
            return self.digits(digits)
        return " ".join([*[self.cardinal(0)] * (len(digits) - len(rest)), self.cardinal(int(rest))])

    def signed(self, sign: str) -> str:
        """The word for a sign before a number, with a space after it; "" for none."""
        names = {"-": "minus", "\u2212": "minus", "\u2013": "minus", "+": "plus", "\u00b1": "plus minus", "~": "about"}
        name = names.get(sign, "about" if sign else "")
        return f"{self.words[name]} " if name else ""

    def power(self, exponent: str) -> str:
        """An exponent other than 2 and 3: digits with a sign, or a letter."""
        sign, digits = ("minus ", exponent[1:]) if exponent.startswith("-") else ("", exponent)
        said = self.cardinal(int(digits)) if digits.isdecimal() else digits
        return f"{self.words['power']} {sign and self.words['minus'] + ' '}{said}"

    def code(self, digits: str) -> str:
        """Digits in a name of letters and digits, as in H264."""
        return self.digits(digits) if digits[0] == "0" and len(digits) > 1 else self.cardinal(int(digits))

    def telephone(self, written: str) -> str:
        """A telephone number, group by group."""
        groups = [self.digits(group) for group in _DIGIT_GROUPS.findall(written)]
        return f"{self.words['plus'] + ' ' if written[:1] == '+' else ''}{', '.join(groups)}"

    # Ordinals, fractions, years

    def ordinal(self, n: int, *, before: str = "", after: str = "") -> str:
        """21 → twenty-first."""
        del before, after
        return str(n)

    def say_ordinals(self, text: str) -> str:
        """Say the ordinals that are written with digits."""
        return text

    def fraction(self, numerator: int, denominator: int) -> str:
        """3/4 → three quarters; "" if it is not said as a fraction."""
        del numerator, denominator
        return ""

    def mixed(self, whole: int, fraction: str) -> str:
        """2 ½ → two and a half."""
        return f"{self.cardinal(whole)} {self.words['and']} {fraction}"

    def is_year(self, n: int, digits: int, *, before: str, after: str) -> bool:
        """Whether a bare number is a year that is said as one."""
        del n, digits, before, after
        return False

    def year(self, n: int) -> str:
        """1984 → nineteen eighty-four."""
        return self.cardinal(n)

    def short_year(self, first: int, n: int) -> str:
        """The second year of 1914-18."""
        del first
        return self.cardinal(n)

    # Roman numerals

    def say_centuries(self, text: str) -> str:
        """Say the Roman numerals of centuries."""
        return text

    def numbered_ruler(self, n: int, *, name: str, before: str) -> str:
        """What is said for the numeral after a ruler's name: the fourteenth."""
        del name, before
        return self.ordinal(n)

    # Dates, times, money; every language with words has its own

    def date(self, day: int, month: int, year: int | None, *, before: str = "") -> str:
        """A date that was written with digits."""
        raise NotImplementedError

    def named_date(self, day: int, month: int, year: int | None, *, before: str, order: str) -> str:
        """A date that was written with the month's name; `order` is "dmy" or "mdy"."""
        del order
        return self.date(day, month, year, before=before)

    def time(self, hour: int, minute: int, second: int | None, *, half: str = "", marked: bool = False) -> str:
        """A time of day; `half` is "am", "pm" or ""; `marked` if a word such as Uhr was written."""
        raise NotImplementedError

    def money(self, whole: str, part: str, noun: Noun) -> str:
        """An amount with two decimals that are not 00; both are digits."""
        raise NotImplementedError

    def scaled(self, number: str, scale: str, noun: Noun) -> str:
        """Five, million, dollars."""
        return f"{number} {scale} {noun.many}"
