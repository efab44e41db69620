"""The parts of a document: lines that belong together, and what they are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from services.chunker.documents.pdf.lines import TextLine

Kind = Literal["text", "item", "term", "heading", "code", "table", "contents", "footnote", "caption", "math", "figure"]

ENDS_SENTENCE = re.compile(r"[.!?:\u2026\u3002\uff01\uff1f][\"'\u201d\u2019\u00bb)\]\u300d]*$")
_HYPHENS: Final = "-\u00ad\u2010"
_WORD_AT_END = re.compile(r"([^\W\d_]+)[-\u00ad\u2010]$")
_WORD_AT_START = re.compile(r"[^\W\d_]+")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_ADDRESS_AT_END = re.compile(r"(?:^|\s)\(?(?:[a-z]{2,8}://|www\.|~?/)\S*[/._=?&-]$")
_SPACE_BEFORE_STOP = re.compile(r" (?=[.,](?:\s|$))(?<!\. )")
_WIDE = re.compile("[\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60]")


@dataclass(slots=True)
class Passage:
    """Lines that belong together.

    Attributes:
        kind: what it is.
        lines: its lines.
        level: of a heading.
        title: of the outline's entry that leads here; "" if none does.
    """

    kind: Kind
    lines: list[TextLine] = field(default_factory=list)
    level: int = 1
    title: str = ""
    joined: list[TextLine] = field(default_factory=list)
    """Lines of the next column or page that go on with it."""

    @property
    def first(self) -> TextLine:
        """Its first line."""
        return self.lines[0]

    @property
    def last(self) -> TextLine:
        """Its last line."""
        return (self.joined or self.lines)[-1]


class Joining:
    """Joins lines to text; knows the words of the document, to tell a hyphen of a word from one at a line's end."""

    def __init__(self) -> None:
        self._words: set[str] = set()

    def learn(self, lines: list[TextLine]) -> None:
        """Remember the words inside the lines."""
        for line in lines:
            self._words.update(word.casefold() for word in _WORDS.findall(line.text))

    def text(self, lines: list[TextLine]) -> str:
        """The words of the lines, in one line."""
        parts: list[str] = []
        for line in lines:
            words = line.text
            if not parts:
                parts.append(words)
                continue
            before = parts[-1]
            if _ADDRESS_AT_END.search(before):
                parts.append(words)
            elif before[-1:] in _HYPHENS and (ending := _WORD_AT_END.search(before)):
                parts[-1] = self._hyphen(before, ending.group(1), words)
                parts.append(words)
            elif _WIDE.match(before[-1:]) and _WIDE.match(words):
                parts.append(words)
            else:
                parts += [" ", words]
        return _SPACE_BEFORE_STOP.sub("", " ".join("".join(parts).split()))

    def _hyphen(self, before: str, ending: str, following: str) -> str:
        start = _WORD_AT_START.match(following)
        if start is None or not start.group()[0].islower():
            return before  # an abbreviation, a name, or a number: XHTML-, Anna-
        whole, apart = f"{ending}{start.group()}".casefold(), f"{ending}-{start.group()}".casefold()
        if before.endswith("-") and apart in self._words and whole not in self._words:
            return before
        return before[:-1]


def sentence_ends(text: str) -> bool:
    """Whether a text ends where a sentence may end."""
    return ENDS_SENTENCE.search(text) is not None
