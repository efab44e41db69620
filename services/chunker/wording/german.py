"""German: numbers, dates, times, money. Ordinals have the ending that the word in front of them asks for."""

from __future__ import annotations

import re
from typing import ClassVar

from services.chunker.wording import german_words as table
from services.chunker.wording.language import Language
from services.chunker.wording.roman import value
from services.chunker.wording.tables import Noun, words, words_in_order

_ONES = words_in_order("""
    null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn
    siebzehn achtzehn neunzehn
""")
_TENS = words_in_order("""
    - - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig
""")
_SCALES = (
    (10**12, "Billion", "Billionen"),
    (10**9, "Milliarde", "Milliarden"),
    (10**6, "Million", "Millionen"),
)
_STEMS = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
_WEAK_EN = words("""
    am vom zum beim im dem den des bis ab seit einem meinem seinem ihrem unserem diesem jedem einen jeden diesen
    ans zur vor nach
""")
_WEAK_E = words("""
    der die das dieser diese dieses jeder jede jedes welche welcher
""")
_STRONG_ER = words("""
    ein mein dein sein ihr unser kein
""")
_PREPOSITIONS = words("""
    in an auf aus bei mit nach seit von vor zu unter ab neben zwischen hinter über während wegen ende anfang mitte
    seit teil
""")
_DATIVE = words("""
    von mit bei unter zu nach seit aus dem gegenüber vor neben
""")
_ACCUSATIVE = words("""
    für gegen durch ohne um den
""")
_ORDINAL = re.compile(
    r"(?<![\w.,:/-])(?:([A-Za-z\u00c4\u00d6\u00dc\u00e4\u00f6\u00fc\u00df]{2,12}) )?"
    r"([A-Za-z\u00c4\u00d6\u00dc\u00e4\u00f6\u00fc\u00df]{2,8}) (\d{1,4})\.(?= [^\W\d_])"
)
_GENDERS = {
    **dict.fromkeys(
        words("""
        Jahrhundert Mal Jahr Semester Kapitel Buch Kind Bild Spiel Haus Leben Album Tor Auto Lied Stück Beispiel Ziel
        Zimmer Treffen Gebot Quartal
    """),
        "es",
    ),
    **dict.fromkeys(
        words("""
        Weltkrieg Stock Platz Geburtstag Tag Monat Band Akt Aufzug Preis Teil Versuch Mann Sieg Satz
    """),
        "er",
    ),
    **dict.fromkeys(
        words("""
        Etage Klasse Auflage Bundesliga Liga Runde Minute Woche Staffel Folge Halbzeit Seite Frau Stunde
    """),
        "e",
    ),
}
"""The ending of an ordinal before a noun without an article."""
_BEFORE_NOUN = re.compile(rf"(?<![\w.,:/-])(\d{{1,3}})\. (?=({'|'.join(_GENDERS)})(?!\w))")
_NOUN_AHEAD = re.compile(r" (\w{1,30})")
_STREET = re.compile(r"(?<=[a-zäöüß])str\.(?= |$)")
_DECADE = re.compile(r"(?<![\w.,])(\d{2}|1[1-9]\d0|20\d0)er(n?)(?=[\W_]|$)")
_CENTURY = re.compile(r"(?:(?<!\w)([A-Za-z\u00e4\u00f6\u00fc]{2,8}) )?(?<!\w)([XVI]{1,6})\. (?=Jahrhundert|Jh)")
_ONE_MILLION = re.compile(r"(?<![\w.,])1 (Million|Milliarde)(?:en)?(?!\w)")
_MILLION = {"Million": "eine Million", "Milliarde": "eine Milliarde"}
_FOLLOWING = re.compile(r"(?<=\d) ?(ff?)\.(?!\w)")
_DATING = words("""
    in im jahr jahre jahres seit ab bis von um nach vor anno sommer winter herbst frühling frühjahr ende anfang
    mitte circa zirka etwa und januar februar märz april mai juni juli august september oktober november dezember
""")
_NUMBERED = words("""
    kapitel seite nummer teil band version absatz artikel abbildung tabelle schritt punkt phase stufe zimmer gleis
    linie platz frage antwort beispiel übung satz regel akt szene und oder bis plus minus mal
""")


class German(Language, table=table):
    """German as in Germany."""

    tag = "de"
    has_words = True
    decimal_mark = ","
    group_marks = "."
    groups_by_space = True
    dots_are_dates = True
    day_marks = r"\."
    plain_units: ClassVar[frozenset[str]] = frozenset("mshl")
    capitalises_nouns = True
    articles: ClassVar[frozenset[str]] = frozenset({"ein", "eine", "einen", "einem", "einer"})
    ordinals_have_stops = True

    def cardinal(self, n: int) -> str:
        for scale, one, many in _SCALES:
            if n >= scale:
                whole, rest = divmod(n, scale)
                front = f"eine {one}" if whole == 1 else f"{self.cardinal(whole)} {many}"
                return f"{front} {self.cardinal(rest)}" if rest else front
        return self._below_a_million(n)

    def _below_a_million(self, n: int, *, inside: bool = False) -> str:
        if n < 20:
            return "ein" if n == 1 and inside else _ONES[n]
        if n < 100:
            ten, one = divmod(n, 10)
            return (f"{self._below_a_million(one, inside=True)}und" if one else "") + _TENS[ten]
        scale, name = (1000, "tausend") if n >= 1000 else (100, "hundert")
        whole, rest = divmod(n, scale)
        end = self._below_a_million(rest, inside=inside) if rest else ""
        return f"{self._below_a_million(whole, inside=True)}{name}{end}"

    def counted(self, n: int, *, before: str = "", after: str = "") -> str:
        said = self.cardinal(n)
        if n == 1 and after[:1].isupper() and before not in _NUMBERED:
            return "ein"
        return said

    def counting(self, n: int, noun: Noun) -> str:
        said = self.cardinal(n)
        if n == 1:
            return "eine" if noun.feminine else "ein"
        return said[:-1] if said.endswith("eins") else said

    def ordinal(self, n: int, *, before: str = "", after: str = "") -> str:
        del after
        return self._stem(n) + _ending(before, "e")

    def _stem(self, n: int) -> str:
        head, last = divmod(n, 100)
        front = self._below_a_million(head * 100, inside=True) if head and n < 10**6 else ""
        if n >= 10**6 or last == 0:
            return f"{self.cardinal(n).replace(' ', '').lower()}st"
        return front + (_STEMS.get(last) or f"{self._below_a_million(last)}{'t' if last < 20 else 'st'}")

    def say_ordinals(self, text: str) -> str:
        text = _DECADE.sub(lambda found: f"{self._decade(int(found[1]))}er{found[2]}", text)
        text = _FOLLOWING.sub(" folgende", text)
        text = _ONE_MILLION.sub(lambda found: _MILLION[found[1]], text)
        text = _STREET.sub("straße", text)
        text = _ORDINAL.sub(self._in_sentence, text)
        return _BEFORE_NOUN.sub(lambda found: f"{self._stem(int(found[1]))}{_GENDERS[found[2]]} ", text)

    def _decade(self, n: int) -> str:
        return self.year(n) if n >= 1000 else self.cardinal(n)

    def _in_sentence(self, found: re.Match[str]) -> str:
        earlier, before, number = found.groups()
        near = before.lower()
        if near not in _WEAK_EN | _WEAK_E | _STRONG_ER:
            return found[0]
        oblique = near == "der" and (earlier or "").lower() in _PREPOSITIONS
        ahead = _NOUN_AHEAD.match(found.string, found.end())
        ending = "en" if oblique else _ending(near, "er")
        if near in _STRONG_ER:
            ending = _GENDERS.get(ahead[1] if ahead else "", "er")
        return f"{earlier + ' ' if earlier else ''}{before} {self._stem(int(number))}{ending}"

    def fraction(self, numerator: int, denominator: int) -> str:
        if not 0 < numerator < denominator or denominator > 100:
            return ""
        if denominator == 2:
            return "ein halb"
        name = f"{self._stem(denominator)}el".capitalize()
        return f"{'ein' if numerator == 1 else self.cardinal(numerator)} {name}"

    def mixed(self, whole: int, fraction: str) -> str:
        if fraction == "ein halb":
            return f"{self._below_a_million(whole, inside=True)}einhalb"
        return f"{self.cardinal(whole)} {fraction}"

    def is_year(self, n: int, digits: int, *, before: str, after: str) -> bool:
        if digits != 4 or not 1100 <= n < 2000:
            return False
        return before in _DATING or not after[:1].isupper()

    def year(self, n: int) -> str:
        if not 1100 <= n < 2000:
            return self.cardinal(n)
        century, rest = divmod(n, 100)
        return f"{self._below_a_million(century)}hundert{self._below_a_million(rest) if rest else ''}"

    def say_centuries(self, text: str) -> str:
        return _CENTURY.sub(self._century, text)

    def _century(self, found: re.Match[str]) -> str:
        before = found[1] or ""
        return f"{before + ' ' if before else ''}{self._stem(value(found[2]))}{_ending(before.lower(), 'es')} "

    def numbered_ruler(self, n: int, *, name: str, before: str) -> str:
        stem = self._stem(n).capitalize()
        if name.removesuffix("s") in table.QUEENS:
            oblique = before in _DATIVE
            return f"{'der' if oblique else 'die'} {stem}{'en' if oblique else 'e'}"
        if before in _DATIVE:
            return f"dem {stem}en"
        if before in _ACCUSATIVE:
            return f"den {stem}en"
        if (name.endswith("s") and name not in table.RULERS) or before in {"des", "königs", "kaisers"}:
            return f"des {stem}en"
        return f"der {stem}e"

    def date(self, day: int, month: int, year: int | None, *, before: str = "") -> str:
        of_year = f" {self.year(year)}" if year else ""
        return f"{self._stem(day)}{_ending(before, 'er')} {self.months[month - 1]}{of_year}"

    def time(self, hour: int, minute: int, second: int | None, *, half: str = "", marked: bool = False) -> str:
        del half, marked
        said = f"{'ein' if hour == 1 else self.cardinal(hour)} Uhr"
        if minute or second:
            said += f" {self.cardinal(minute)}"
        return said + (f" und {self.cardinal(second)} Sekunden" if second else "")

    def money(self, whole: str, part: str, noun: Noun) -> str:
        if not int(whole):
            return f"{self.counting(int(part), Noun('', ''))} {noun.part[0]}"
        return f"{self.counting(int(whole), noun)} {noun.one if whole == '1' else noun.many} {self.cardinal(int(part))}"

    def scaled(self, number: str, scale: str, noun: Noun) -> str:
        if number == "ein":
            return f"eine {scale.removesuffix('en') if scale != 'Milliarden' else 'Milliarde'} {noun.many}"
        return f"{number} {scale} {noun.many}"


def _ending(before: str, otherwise: str) -> str:
    """The ending of an ordinal after a word."""
    if before in _WEAK_EN:
        return "en"
    if before in _WEAK_E:
        return "e"
    return "er" if before in _STRONG_ER else otherwise
