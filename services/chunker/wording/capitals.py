"""Initialisms are spelled (EU → E U), acronyms are words (NASA), and capitals that only stress become small letters."""

from __future__ import annotations

import re

from services.chunker.wording import roman
from services.chunker.wording.calendar import word_before
from services.chunker.wording.language import Language
from services.chunker.wording.notes import Notes

_CAPITALS = re.compile(
    r"(?<![\w.&])([A-Z\u00c0-\u00d6\u00d8-\u00de\u1e9e]{1,40})((?:['\u2019]?s)?)(?![\w&]|[.][A-Z](?![a-z]))"
)
_DOTTED = re.compile(r"(?<![\w.])((?:[A-Z]\. ?){1,6}[A-Z])\.(?!\w)|(?<![\w.])((?:[A-Z]\.){1,6}[A-Z])(?![\w.])")
_MIXED = re.compile(
    r"(?<![\w.,:/])(?=[^\W_]{0,30}[^\W\d_])(?=[^\W_]{0,30}\d)"
    r"(?:[^\W\d_]{1,12}-?(?=\d)|\d{1,6}-?(?=[^\W\d_])){1,8}(?:[^\W_]{1,12})(?!\w|\.\w)"
)
_RUNS = re.compile(r"\d+|[^\W\d_]+")
_AMPERSAND = re.compile(r"(?<!\w)([A-Z]{1,2})&([A-Z]{1,2})(?!\w)")
_SHOUTED_SHARE = 0.6
_LONG_WORD = 4
_LONGEST_ACRONYM = 5
_LETTERS = re.compile(r"[^\W\d_]")
_CONSONANTS = re.compile(r"[^aeiouy\u00e0-\u00ff]{5}|^[^aeiouy\u00e0-\u00ff]{4}")
_VOWEL = re.compile(r"[aeiouy\u00e0-\u00ff]")


def say_capitals(text: str, language: Language, notes: Notes) -> str:
    """Say what is written in capitals."""
    del notes
    if not language.has_words:
        return text
    text = _MIXED.sub(lambda found: _mixed(found[0], language), text)
    text = _AMPERSAND.sub(lambda found: f"{' '.join(found[1])} {language.words['and']} {' '.join(found[2])}", text)
    text = _DOTTED.sub(lambda found: _dotted(found, text, language), text)
    shouted = _is_shouted(text)
    return _CAPITALS.sub(lambda found: _capitals(found, text, language, shouted=shouted), text)


def _is_shouted(text: str) -> bool:
    letters = _LETTERS.findall(text)
    capitals = sum(map(str.isupper, letters))
    words = [found[1] for found in _CAPITALS.finditer(text) if len(found[1]) >= _LONG_WORD]
    return len(words) >= 2 and capitals > _SHOUTED_SHARE * len(letters)


def _capitals(found: re.Match[str], text: str, language: Language, *, shouted: bool) -> str:
    word, ending = found.groups()
    small = word.lower()
    if len(word) == 1:
        return _as_in_a_sentence(found, text, small, language) if shouted and small in language.stressed else found[0]
    if not ending and roman.is_numeral(word) and word_before(text, found.start()) not in language.articles:
        return language.cardinal(roman.value(word))
    if word in language.acronyms:
        return found[0]
    is_word = _is_pronounceable(small)
    is_stressed = small in language.stressed or (shouted and is_word)
    if word in language.spelled or not (is_stressed or (is_word and len(word) >= _LONG_WORD)):
        return _spelled(word, ending)
    if is_stressed or len(word) > _LONGEST_ACRONYM:
        return _as_in_a_sentence(found, text, small, language) + ending
    return found[0]  # IKEA, ASCII: the engine may know


def _as_in_a_sentence(found: re.Match[str], text: str, small: str, language: Language) -> str:
    begins = not text[: found.start()].strip(" \"'\u201c\u201e\u00ab(") or text[
        max(0, found.start() - 2) : found.start()
    ].strip()[-1:] in {".", "!", "?", ":"}
    is_noun = language.capitalises_nouns and small not in language.stressed
    return small.capitalize() if begins or is_noun else small


def _is_pronounceable(small: str) -> bool:
    return bool(_VOWEL.search(small)) and not _CONSONANTS.search(small)


def _spelled(word: str, ending: str) -> str:
    return " ".join(word) + (f"'{ending.lstrip(chr(39) + chr(0x2019))}" if ending else "")


def _dotted(found: re.Match[str], text: str, language: Language) -> str:
    letters = re.sub(r"[. ]", "", found[1] or found[2])
    if found[1] and " " in found[0] and not re.fullmatch(r"(?:[A-Z]\. ){1,6}[A-Z]\.", found[0]):
        return found[0]
    is_name = len(letters) <= 2 and re.compile(r" [A-Z\u00c0-\u00de][a-z\u00df-\u00ff]").match(text, found.end())
    at_end = found[1] and not text[found.end() :].strip(" \"')\u201d\u2019\u00bb")
    del language, is_name
    return " ".join(letters) + ("." if at_end else "")


def _mixed(written: str, language: Language) -> str:
    return " ".join(_run(run, language) for run in _RUNS.findall(written))


def _run(run: str, language: Language) -> str:
    if run.isdecimal():
        return language.code(run)
    if run.isupper() and len(run) > 1 and run not in language.acronyms and len(run) <= _LONG_WORD:
        return " ".join(run)
    return run
