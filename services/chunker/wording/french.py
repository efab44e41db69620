"""French: numbers, dates, times, money; with septante, huitante and nonante where they are said."""

from __future__ import annotations

import re
from typing import ClassVar

from services.chunker.wording import french_words as table
from services.chunker.wording.language import Language
from services.chunker.wording.roman import value
from services.chunker.wording.tables import Noun, words, words_in_order

_ONES = words_in_order("""
    zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit
    dix-neuf
""")
_SCALES = ((10**12, "billion"), (10**9, "milliard"), (10**6, "million"))
_VOWELS = frozenset("aeiouyéèêhœ")
_ORDINAL = re.compile(
    r"(?<![\w.,])(\d{1,4})(?:(er)s?|(\u00e8re|re)s?|(?:i\u00e8me|e\u0300me|\u00e8me|eme|nde?|e)s?)(?!\w)", re.IGNORECASE
)
_CENTURY = re.compile(r"(?<!\w)([XVI]{1,6})(?:(er)|(re)|e|\u00e8me|\u1d49)(s?)(?!\w)")
_CENTURY_AFTER = re.compile(r"(?<!\w)([Ss]i\u00e8cles?) ([XVI]{1,6})(?!\w)")
_OF_MILLIONS = re.compile(r"(?:million|milliard|billion)s?$")
_FUNCTION_WORDS = words("""
    et ou est sont a ont dans de du des en par pour sur à au aux que qui le la les se ne pas
""")


class French(Language, table=table):
    """French as in France."""

    tag = "fr"
    has_words = True
    decimal_mark = ","
    group_marks = "."
    groups_by_space = True
    decimals_are_a_number = True
    hours_by_letter = True
    day_marks = r"(?:er)?"
    plain_units: ClassVar[frozenset[str]] = frozenset("mshgl")
    after_units: ClassVar[frozenset[str]] = frozenset({"de", "d", "par"})
    articles: ClassVar[frozenset[str]] = frozenset({"un", "une"})
    tens: ClassVar[tuple[str, ...]] = words_in_order("""
        - - vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt
    """)
    by_twenties: ClassVar[frozenset[int]] = frozenset({7, 9})
    """The tens that are said as the ten before and a number from ten to nineteen."""

    def cardinal(self, n: int) -> str:
        for scale, name in _SCALES:
            if n >= scale:
                whole, rest = divmod(n, scale)
                front = f"{self.cardinal(whole)} {name}{'s' if whole > 1 else ''}"
                return f"{front} {self.cardinal(rest)}" if rest else front
        if n >= 1000:
            whole, rest = divmod(n, 1000)
            front = "mille" if whole == 1 else f"{self._without_plural(whole)} mille"
            return f"{front} {self.cardinal(rest)}" if rest else front
        if n >= 100:
            whole, rest = divmod(n, 100)
            front = "cent" if whole == 1 else f"{_ONES[whole]} cent{'' if rest else 's'}"
            return f"{front} {self.cardinal(rest)}" if rest else front
        return self._below_a_hundred(n)

    def _below_a_hundred(self, n: int) -> str:
        if n < 20:
            return _ONES[n]
        ten, one = divmod(n, 10)
        name = self.tens[ten]
        if ten in self.by_twenties:
            one += 10
        if one == 0:
            return f"{name}s" if name == "quatre-vingt" else name
        joint = " et " if one in {1, 11} and name != "quatre-vingt" else "-"
        return f"{name}{joint}{_ONES[one]}"

    def _without_plural(self, n: int) -> str:
        said = self.cardinal(n)
        return said[:-1] if said.endswith(("vingts", "cents")) else said

    def counted(self, n: int, *, before: str = "", after: str = "") -> str:
        del before
        return _feminine(self.cardinal(n)) if after in table.FEMININE else self.cardinal(n)

    def counting(self, n: int, noun: Noun) -> str:
        return _feminine(self.cardinal(n)) if noun.feminine else self.cardinal(n)

    def is_one(self, whole: str, decimals: str) -> bool:
        del decimals
        return int(whole[-15:] or 0) < 2 and len(whole) < 3

    def telephone(self, written: str) -> str:
        groups = re.findall(r"\d+", written)
        if any(len(group) > 3 for group in groups):
            return super().telephone(written)
        said = [self.digits(group) if group[0] == "0" else self.cardinal(int(group)) for group in groups]
        return f"{'plus ' if written[0] == '+' else ''}{', '.join(said)}"

    def ordinal(self, n: int, *, before: str = "", after: str = "") -> str:
        del before, after
        if n == 1:
            return "premier"
        said = self._without_plural(n)
        if said.endswith("e"):
            return f"{said[:-1]}ième"
        if said.endswith("cinq"):
            return f"{said}uième"
        return f"{said[:-1]}vième" if said.endswith("neuf") else f"{said}ième"

    def say_ordinals(self, text: str) -> str:
        return _ORDINAL.sub(lambda found: self._ordinal(int(found[1]), found[2], found[3], found[0]), text)

    def _ordinal(self, n: int, masculine: str | None, feminine: str | None, written: str) -> str:
        said = self.ordinal(n)
        if n == 1 and not masculine:
            said = "première" if feminine else "unième"
        return f"{said}s" if written.lower().endswith(("es", "ers", "mes")) and len(written) > 2 else said

    def fraction(self, numerator: int, denominator: int) -> str:
        if not 0 < numerator < denominator or denominator > 100:
            return ""
        name = {2: "demi", 3: "tiers", 4: "quart"}.get(denominator) or self.ordinal(denominator)
        return f"{self.cardinal(numerator)} {name}{'s' if numerator > 1 and name != 'tiers' else ''}"

    def mixed(self, whole: int, fraction: str) -> str:
        return f"{self.cardinal(whole)} et {'demi' if fraction == 'un demi' else fraction}"

    def is_year(self, n: int, digits: int, *, before: str, after: str) -> bool:
        del before, after
        return digits == 4 and 1000 <= n < 2100

    def year(self, n: int) -> str:
        return self._without_plural(n)

    def say_centuries(self, text: str) -> str:
        text = _CENTURY.sub(self._century, text)
        return _CENTURY_AFTER.sub(lambda found: f"{found[1]} {self.cardinal(value(found[2]))}", text)

    def _century(self, found: re.Match[str]) -> str:
        n = value(found[1])
        said = "première" if found[3] and n == 1 else self.ordinal(n)
        return f"{said}{'s' if found[4] else ''}"

    def numbered_ruler(self, n: int, *, name: str, before: str) -> str:
        del name, before
        return "premier" if n == 1 else self.cardinal(n)

    def date(self, day: int, month: int, year: int | None, *, before: str = "") -> str:
        del before
        of_year = f" {self.year(year)}" if year else ""
        return f"{'premier' if day == 1 else self.cardinal(day)} {self.months[month - 1]}{of_year}"

    def time(self, hour: int, minute: int, second: int | None, *, half: str = "", marked: bool = False) -> str:
        del half, marked
        said = f"{_feminine(self.cardinal(hour))} heure{'s' if hour > 1 else ''}"
        if minute or second:
            said += f" {_feminine(self.cardinal(minute))}"
        return said + (f" et {_feminine(self.cardinal(second))} seconde{'s' if second > 1 else ''}" if second else "")

    def money(self, whole: str, part: str, noun: Noun) -> str:
        hundredths = int(part)
        if not int(whole):
            return f"{self.cardinal(hundredths)} {noun.part[0] if hundredths == 1 else noun.part[1]}"
        return (
            f"{self.counting(int(whole), noun)} {noun.one if whole == '1' else noun.many} {self.cardinal(hundredths)}"
        )

    def scaled(self, number: str, scale: str, noun: Noun) -> str:
        if scale == "mille":
            return f"{'' if number == 'un' else number + ' '}mille {noun.many}"
        if number == "un":
            scale = scale.removesuffix("s")
        return f"{number} {scale} {'d' + chr(39) if noun.many[0] in _VOWELS else 'de '}{noun.many}"


class BelgianFrench(French):
    """French as in Belgium."""

    tag = "fr-be"
    tens = words_in_order("""
        - - vingt trente quarante cinquante soixante septante quatre-vingt nonante
    """)
    by_twenties: ClassVar[frozenset[int]] = frozenset()


class SwissFrench(BelgianFrench):
    """French as in Switzerland."""

    tag = "fr-ch"
    tens = words_in_order("""
        - - vingt trente quarante cinquante soixante septante huitante nonante
    """)


def _feminine(said: str) -> str:
    return f"{said}e" if said == "un" or said.endswith((" un", "-un")) else said
