"""Spanish: numbers, dates, times, money. Numbers agree with the noun that follows, as far as its ending tells."""

from __future__ import annotations

import re
from typing import ClassVar

from services.chunker.wording import spanish_words as table
from services.chunker.wording.language import Language
from services.chunker.wording.roman import value
from services.chunker.wording.tables import Noun, words, words_in_order

_ONES = words_in_order("""
    cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete
    dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete
    veintiocho veintinueve
""")
_TENS = words_in_order("""
    - - - treinta cuarenta cincuenta sesenta setenta ochenta noventa
""")
_HUNDREDS = words_in_order("""
    - ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos
""")
_ORDINALS = words_in_order("""
    - primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo undécimo duodécimo
""")
_ORDINAL_TENS = words_in_order("""
    - décimo vigésimo trigésimo cuadragésimo quincuagésimo sexagésimo septuagésimo octogésimo nonagésimo
""")
_ORDINAL = re.compile(r"(?<![\w.,])(\d{1,2})(?:\.?(\u00ba|\u00aa)|\.?(er|ero|do|to|mo|vo|no|ra|da|ta|ma|va|na))(?!\w)")
_CENTURY = re.compile(r"(?<!\w)([Ss]iglos?) ([XVI]{1,6})(?:( y | al? |-|\u2013)([XVI]{1,6}))?(?!\w)")
_SHORT_CENTURY = re.compile(r"(?<!\w)s\. ?([XVI]{1,6})(?!\w)")
_FEMININE_ENDINGS = ("a", "as", "ción", "ciones", "sión", "siones", "dad", "dades", "tud", "tudes")
_FUNCTION_WORDS = words("""
    y o e u de del en a al por para con sin que es son fue era se no ni como más menos si hasta desde entre sobre
    pero
""")


class Spanish(Language, table=table):
    """Spanish as in Spain."""

    tag = "es"
    has_words = True
    decimal_mark = ","
    group_marks = "."
    groups_by_space = True
    decimals_are_a_number = True
    of = "de"
    of_year = "del?"
    day_marks = r"(?:\.?º)?"
    plain_units: ClassVar[frozenset[str]] = frozenset("mshgl")
    after_units: ClassVar[frozenset[str]] = frozenset({"de", "por"})
    articles: ClassVar[frozenset[str]] = frozenset({"un", "una"})
    first_day: ClassVar[str] = "uno"

    def cardinal(self, n: int) -> str:
        for scale, one, many in ((10**12, "billón", "billones"), (10**6, "millón", "millones")):
            if n >= scale:
                whole, rest = divmod(n, scale)
                front = f"un {one}" if whole == 1 else f"{_short(self.cardinal(whole))} {many}"
                return f"{front} {self.cardinal(rest)}" if rest else front
        if n >= 1000:
            whole, rest = divmod(n, 1000)
            front = "mil" if whole == 1 else f"{_short(self.cardinal(whole))} mil"
            return f"{front} {self.cardinal(rest)}" if rest else front
        if n >= 100:
            whole, rest = divmod(n, 100)
            return f"{_HUNDREDS[whole]} {self.cardinal(rest)}" if rest else "cien" if whole == 1 else _HUNDREDS[whole]
        if n < 30:
            return _ONES[n]
        return _TENS[n // 10] + (f" y {_ONES[n % 10]}" if n % 10 else "")

    def counted(self, n: int, *, before: str = "", after: str = "") -> str:
        del before
        said = self.cardinal(n)
        if not after.islower() or after in _FUNCTION_WORDS:
            return said
        if after in table.FEMININE_OTHERWISE or (
            after.endswith(_FEMININE_ENDINGS) and after not in table.MASCULINE_IN_A and len(after) > 2
        ):
            return _feminine(said)
        return _short(said) if after.endswith("s") or n == 1 else said

    def counting(self, n: int, noun: Noun) -> str:
        said = self.cardinal(n)
        return _feminine(said) if noun.feminine else _short(said)

    def ordinal(self, n: int, *, before: str = "", after: str = "") -> str:
        del before, after
        if n < len(_ORDINALS):
            return _ORDINALS[n]
        if n >= 100:
            return self.cardinal(n)
        return _ORDINAL_TENS[n // 10] + (f" {_ORDINALS[n % 10]}" if n % 10 else "")

    def say_ordinals(self, text: str) -> str:
        return _ORDINAL.sub(self._ordinal, text)

    def _ordinal(self, found: re.Match[str]) -> str:
        n, sign, ending = int(found[1]), found[2], found[3]
        if n == 0:
            return found[0]
        said = self.ordinal(n)
        if sign == "\u00aa" or (ending or "").endswith("a"):
            return re.sub(r"o\b", "a", said)
        if ending == "er":
            return said.removesuffix("o")
        return said

    def fraction(self, numerator: int, denominator: int) -> str:
        if not 0 < numerator < denominator or denominator > 20:
            return ""
        if denominator <= 10:
            name = {2: "medio", 3: "tercio"}.get(denominator) or self.ordinal(denominator)
        else:
            name = f"{self.cardinal(denominator)}avo".replace("é", "e")
        return f"{_short(self.cardinal(numerator))} {name}{'s' if numerator > 1 else ''}"

    def mixed(self, whole: int, fraction: str) -> str:
        return f"{self.cardinal(whole)} y {fraction.removeprefix('un ') if fraction == 'un medio' else fraction}"

    def is_year(self, n: int, digits: int, *, before: str, after: str) -> bool:
        del after
        return digits == 4 and 1000 <= n < 2100 and before in {"en", "de", "desde", "hasta", "año", "del"}

    def say_centuries(self, text: str) -> str:
        text = _SHORT_CENTURY.sub(r"siglo \1", text)
        return _CENTURY.sub(self._century, text)

    def _century(self, found: re.Match[str]) -> str:
        said = f"{found[1]} {self._numeral(value(found[2]))}"
        if not found[4]:
            return said
        joint = "a" if found[3] in {"-", "\u2013"} else found[3].strip()
        return f"{said} {joint} {self._numeral(value(found[4]))}"

    def _numeral(self, n: int) -> str:
        return self.ordinal(n) if n <= 10 else self.cardinal(n)

    def numbered_ruler(self, n: int, *, name: str, before: str) -> str:
        del before
        said = self._numeral(n)
        return f"{said[:-1]}a" if name in table.QUEENS and said.endswith("o") else said

    def date(self, day: int, month: int, year: int | None, *, before: str = "") -> str:
        del before
        of_year = f" de {self.year(year)}" if year else ""
        return f"{self.first_day if day == 1 else self.cardinal(day)} de {self.months[month - 1]}{of_year}"

    def time(self, hour: int, minute: int, second: int | None, *, half: str = "", marked: bool = False) -> str:
        said = _feminine(self.cardinal(hour))
        if minute or second:
            said += f" {self.cardinal(minute)}"
        elif not half and hour > 12:
            marked = True
        if marked:
            said += " hora" if hour == 1 and not minute else " horas"
        if second:
            said += f" y {_short(self.cardinal(second))} segundo{'s' if second > 1 else ''}"
        return said + {"am": " de la mañana", "pm": " de la tarde", "": ""}[half]

    def money(self, whole: str, part: str, noun: Noun) -> str:
        hundredths = int(part)
        if not int(whole):
            return f"{_short(self.cardinal(hundredths))} {noun.part[0] if hundredths == 1 else noun.part[1]}"
        front = f"{self.counting(int(whole), noun)} {noun.one if whole == '1' else noun.many}"
        return f"{front} con {self.cardinal(hundredths)}"

    def scaled(self, number: str, scale: str, noun: Noun) -> str:
        if scale == "mil":
            return f"{'' if number == 'un' else number + ' '}mil {noun.many}"
        if number == "un":
            scale = scale.replace("ones", "ón")
        return f"{number} {scale} de {noun.many}"


class MexicanSpanish(Spanish):
    """Spanish as in Mexico and other countries that write a decimal point."""

    tag = "es-mx"
    decimal_mark = "."
    group_marks = ","
    groups_by_space = False
    first_day = "primero"


def _short(said: str) -> str:
    """Before a masculine noun: veintiún, un."""
    if said.endswith("veintiuno"):
        return f"{said[:-3]}ún"
    return said[:-1] if said == "uno" or said.endswith(" uno") else said


def _feminine(said: str) -> str:
    """Before a feminine noun: doscientas una."""
    said = re.sub(r"cientos\b(?! mill)|(?<=quin)ientos\b", lambda found: found[0].replace("os", "as"), said)
    return f"{said[:-1]}a" if said.endswith("uno") else said
