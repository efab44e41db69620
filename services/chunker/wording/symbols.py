"""Signs: of mathematics, of currencies that stand alone, &, §, ©; and what is tidied up at the end."""

from __future__ import annotations

import re

from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_SUPERSCRIPTS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b", "0123456789-")
_SUBSCRIPTS = str.maketrans("\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089", "0123456789")
_POWER = re.compile("(?<=[\\w)])([\u2070\u00b9\u00b2\u00b3\u2074-\u2079\u207b]{1,6})")
_CARET = re.compile(r"(?<=[\w)])\^(?:\{?(-?\d{1,4}|[a-z])\}?)(?!\w)")
_SUBSCRIPT = re.compile("[\u2080-\u2089]{1,6}")
_FORMULA = re.compile("(?<![\\w])(?=[A-Za-z]{0,6}[\u2080-\u2089])(?:[A-Z][a-z]?[\u2080-\u2089]{0,3}){1,8}(?![\\w])")
_FORMULA_PART = re.compile("[\u2080-\u2089]+|[A-Z][a-z]?")
_SLASH = re.compile(r"(?<=[^\W\d_]) ?/ ?(?=[^\W\d_])")
_ARROW = re.compile(r" ?(?:[\u2190-\u21ff\u27f5-\u27ff]|<?[-=]{1,2}>)+ ?")
_BULLET = re.compile(r"(?:^| )[\u2022\u25aa\u25cf\u25e6\u2023\u00b7\u25a0\u25a1|](?= |$)")
_BARS = re.compile(r" ?\|{1,4} ?")
_DOUBLE_DASH = re.compile(r"(?<=[^\s-])--(?=[^\s>-])|(?<= )---?(?= )")
_BACKTICKS = re.compile(r"`{1,3}|\ufe0f")
_STARS = re.compile(r"\*{1,3}(?=\w)|(?<=\w)\*{1,3}")
_EMPTY = re.compile(r" ?[(\[{\u201c] *[)\]}\u201d]")
_BEFORE_PUNCTUATION = re.compile(r" +(?=[,.;:!?)\]}\u201d\u2026](?:\s|$))")
_AFTER_BRACKET = re.compile(r"(?<=[(\[{]) +")
_COMMAS = re.compile(r",(?: ?,)+")
_SPACED_HYPHEN = re.compile(r" -(?=[^\W\d_])")


def say_powers(text: str, language: Language, notes: Notes) -> str:
    """Say exponents and the numbers in formulas: x² → x squared, H₂O → H two O. Before the numbers are said."""
    del notes
    if not language.has_words:
        return text
    text = _FORMULA.sub(
        lambda found: " ".join(part.translate(_SUBSCRIPTS) for part in _FORMULA_PART.findall(found[0])), text
    )
    text = _SUBSCRIPT.sub(lambda found: f" {found[0].translate(_SUBSCRIPTS)}", text)
    text = _CARET.sub(lambda found: f" {_power(found[1], language)}", text)
    return _POWER.sub(lambda found: f" {_power(found[1].translate(_SUPERSCRIPTS), language)}", text)


def _power(exponent: str, language: Language) -> str:
    if exponent in {"2", "3"}:
        return language.words["squared" if exponent == "2" else "cubed"]
    return language.power(exponent)


def say_symbols(text: str, language: Language, notes: Notes) -> str:
    """Say the signs that a language has words for."""
    del notes
    if not language.has_words:
        return text
    text = _DOUBLE_DASH.sub("\u2014", text)
    text = _ARROW.sub(", ", text)
    for sign, said in language.symbols.items():
        if sign in text:
            text = text.replace(sign, f" {said} ")
    text = language.between.sub(lambda found: f" {language.symbols_between[found[1]]} ", text)
    return _SLASH.sub(" ", text)


def tidy(text: str) -> str:
    """Remove what is left of what was left out: empty brackets, doubled spaces and commas."""
    text = _BACKTICKS.sub("", text)
    text = _BULLET.sub(" ", text)
    text = _BARS.sub(", ", text)
    text = _STARS.sub("", text)
    text = _EMPTY.sub("", _EMPTY.sub("", " ".join(text.split())))
    text = _AFTER_BRACKET.sub("", _BEFORE_PUNCTUATION.sub("", " ".join(text.split())))
    return _COMMAS.sub(",", text).strip()
