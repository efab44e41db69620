"""A lexicon: how a job has words said. They are matched as they are written, before anything else is done.

A word that is matched is put aside as one private character, which no text has (`speakable.normalise`), so that nothing
changes its respelling; `restore` puts the respelling in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.chunker.speakable import normalise
from shared.protocol.narration import Pronunciation

Phonemes = Literal["none", "misaki"]
"""How an engine takes IPA: not at all, or as Kokoro's misaki does, `[word](/ipa/)`."""

_FIRST_PRIVATE = 0xF0000
_PRIVATE = re.compile(f"[{chr(_FIRST_PRIVATE)}-{chr(0xFFFFD)}]")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_GOES_ON = re.compile("[\\w\u0300-\u036f]")
"""What may not follow a word, nor stand in front of it."""
_NOT_IN_IPA = str.maketrans("", "", "/[]()")


@dataclass(frozen=True, slots=True)
class _Entry:
    word: str
    said: str
    match_case: bool


class Lexicon:
    """The pronunciations of a job that its engine can say.

    Attributes:
        unsayable: words that have only an IPA form, which the engine does not take.
    """

    def __init__(self, pronunciations: Iterable[Pronunciation], phonemes: Phonemes = "none") -> None:
        """Sort the entries for looking them up.

        Args:
            pronunciations: the entries; of two with the same word, the first counts.
            phonemes: how the engine takes IPA.
        """
        self._entries: list[_Entry] = []
        unsayable = []
        for each in pronunciations:
            word, said = normalise(each.word), _said(each, phonemes)
            if word and said:
                self._entries.append(_Entry(word, said, each.match_case))
            elif word:
                unsayable.append(word)
        self.unsayable = tuple(unsayable)
        self._by_first: dict[str, list[int]] = {}
        for index in sorted(range(len(self._entries)), key=lambda index: -len(self._entries[index].word)):
            first = _TOKEN.match(self._entries[index].word)
            if first:
                self._by_first.setdefault(first[0].lower(), []).append(index)

    def __bool__(self) -> bool:
        """Whether it has an entry that can be said."""
        return bool(self._entries)

    def set_aside(self, text: str) -> str:
        """The text with a private character for each word of the lexicon; of several that match, the longest counts."""
        if not self._entries:
            return text
        parts: list[str] = []
        done = 0
        for token in _TOKEN.finditer(text):
            if token.start() < done:
                continue
            for index in self._by_first.get(token[0].lower(), ()):
                if self._stands_at(token.start(), self._entries[index], text):
                    parts += (text[done : token.start()], chr(_FIRST_PRIVATE + index))
                    done = token.start() + len(self._entries[index].word)
                    break
        return "".join((*parts, text[done:]))

    def restore(self, text: str) -> str:
        """The text with the respellings in place of the private characters."""
        return _PRIVATE.sub(lambda found: self._entries[ord(found[0]) - _FIRST_PRIVATE].said, text)

    @staticmethod
    def _stands_at(start: int, entry: _Entry, text: str) -> bool:
        end = start + len(entry.word)
        here = text[start:end]
        same = here == entry.word if entry.match_case else here.lower() == entry.word.lower()
        return same and not _GOES_ON.match(text, end) and not (start and _GOES_ON.match(text, start - 1))


def _said(entry: Pronunciation, phonemes: Phonemes) -> str:
    ipa = entry.ipa.translate(_NOT_IN_IPA).strip()
    if ipa and phonemes == "misaki":
        return f"[{entry.word.translate(_NOT_IN_IPA)}](/{ipa}/)"
    return normalise(entry.say)
