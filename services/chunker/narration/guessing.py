"""Guesses the language of a short text. Offline: py3langid's model, which is a part of the package (ADR 25).

The probability is calibrated, but only for sentences. A list of names, an address or a line of code gets a language as
well, and a wrong one; so a text counts as a sentence only if enough of its words begin with a small letter.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from services.chunker.pace import more_for_ideographs
from shared.languages import NAMES, primary

SAMPLE_CHARACTERS: Final = 200
"""How much of a text is looked at in one step: more changes no decision, and costs 3 µs of CPU a character."""
_SMALL_WORDS: Final = 4
"""Words that begin with a small letter in a sentence, at least. German has the most capitals: 40 % of its words."""
_DIALECTS: Final = {
    "pcm": "en", "ext": "es", "gcf": "fr", "gcr": "fr", "wa": "fr", "vec": "it", "lij": "it", "nn": "no",
    "wuu": "zh", "yue": "zh", "arz": "ar", "ary": "ar", "uzs": "uz", "crh": "tr", "bcl": "tl", "sdh": "ku",
}  # fmt: skip
"""Labels of the model → the language whose voice speaks it. Their probabilities are added."""
_NOT_GUESSED: Final = frozenset({"la", "eo", "vo"})
"""What looks like Latin is often a name of a species, a motto or filler text: only the document itself says so."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_UNCASED_LETTERS: Final = 12
"""Letters that a text needs in a script without capitals, where words are not always separated."""


_ALIKE: Final = (
    frozenset({"no", "nn", "da", "sv"}),
    frozenset({"bs", "hr", "sr", "sl", "mk"}),
    frozenset({"cs", "sk"}),
    frozenset({"id", "ms", "jv"}),
    frozenset({"es", "gl", "ca", "pt", "oc", "an"}),
    frozenset({"de", "lb"}),
    frozenset({"nl", "af", "fy"}),
    frozenset({"ru", "uk", "be", "bg", "sr", "mk"}),
)
"""Languages that a short text does not tell apart, so their probabilities say little beside each other's."""
_LEAST_PROBABILITY: Final = 0.6
"""Of a language among those that are like it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How much a guess must have behind it.

    Attributes:
        letters: that it is based on, at least.
        probability: of the language or one like it, at least.
    """

    letters: int
    probability: float


@dataclass(frozen=True, slots=True)
class Guess:
    """What a text is written in.

    Attributes:
        language: ISO 639 code; "" if it is no sentence in a language that is known here.
        probability: of the language, from 0 to 1.
        of_alike: of the language or one like it.
        letters: how many letters the guess is based on; an ideograph counts as several.
    """

    language: str
    probability: float
    of_alike: float
    letters: int

    def is_sure(self, needed: Evidence) -> bool:
        """Whether it has a language and is based on enough."""
        is_likely = self.probability >= _LEAST_PROBABILITY and self.of_alike >= needed.probability
        return bool(self.language) and self.letters >= needed.letters and is_likely

    def is_told_apart(self, needed: Evidence) -> bool:
        """The same, also from the languages that are like it."""
        return self.is_sure(needed) and self.probability >= needed.probability


UNDECIDED: Final = Guess("", 0.0, 0.0, 0)


def guess(text: str) -> Guess:
    """The language of the beginning of a text."""
    sample = text[:SAMPLE_CHARACTERS]
    words = _WORD.findall(sample)
    letters = sum(map(len, words))
    if not _is_sentence(words, letters):
        return UNDECIDED
    letters += more_for_ideographs(sample)
    totals = _probabilities(sample)
    best = max(totals, key=lambda language: totals[language])
    if best not in NAMES or best in _NOT_GUESSED:
        return UNDECIDED
    of_alike = totals[best] + sum(totals.get(language, 0.0) for language in _like(best))
    return Guess(best, totals[best], of_alike, letters)


def guess_long(text: str, *, samples: int) -> Guess:
    """As `guess`, from several samples spread over a text: the least certain of them if they agree, else undecided."""
    step = max(SAMPLE_CHARACTERS, len(text) // samples)
    found = [guess(text[at : at + SAMPLE_CHARACTERS]) for at in range(0, len(text), step)][:samples]
    decided = [one for one in found if one.language]
    if not decided or len({one.language for one in decided}) > 1:
        return UNDECIDED
    least = min(decided, key=lambda one: one.of_alike)
    return Guess(least.language, least.probability, least.of_alike, sum(one.letters for one in decided))


def likelier(text: str, language: str, than: str) -> float:
    """How many times likelier a text is in one language than in another, be it a sentence or a word."""
    found = _probabilities(text[:SAMPLE_CHARACTERS])
    return found.get(primary(language), 0.0) / max(found.get(primary(than), 0.0), 1e-9)


def _probabilities(text: str) -> dict[str, float]:
    totals: dict[str, float] = {}
    for label, probability in _model().rank(text):
        language = _DIALECTS.get(label, label)
        totals[language] = totals.get(language, 0.0) + probability
    return totals


def alike(one: str, other: str) -> bool:
    """Whether two languages are the same, or so alike that a short text does not tell them apart."""
    first, second = primary(one), primary(other)
    return first == second or any(first in group and second in group for group in _ALIKE)


def load() -> None:
    """Load the model now: 0.6 s of CPU and 100 MB, once in a process."""
    _model()


def _is_sentence(words: list[str], letters: int) -> bool:
    if not any(word[0].islower() or word[0].isupper() for word in words):
        return letters >= _UNCASED_LETTERS
    if all(word.isupper() for word in words):
        return len(words) >= _SMALL_WORDS  # a text in capitals; the model lowers them
    return sum(word[0].islower() for word in words) >= _SMALL_WORDS


@functools.cache
def _like(language: str) -> frozenset[str]:
    """The languages that are like this one, without itself."""
    return frozenset().union(*(group for group in _ALIKE if language in group)) - {language}


@functools.cache
def _model() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
