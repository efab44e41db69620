"""Front and back matter: recognised by markup, titles and words, and left out if the job says so. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Omissions, Paragraph, Section
from services.chunker.narration import legal_texts
from services.chunker.narration.matter_kinds import BY_NAME, MATTERS, Matter, key
from services.chunker.speakable import SPEAKABLE
from shared.protocol.narration import Narration

_FRONT_SHARE: Final = 0.3
"""Front matter by title alone begins in this part of the text; back matter in what follows it."""
_FEW_CHARACTERS: Final = 20_000
"""In a text that is not longer, front matter may stand anywhere in the first half, back matter in the second."""
_EDGE_CHARACTERS: Final = 6_000
"""Copyright notices and permissions are looked for this far from the beginning and from the end."""
_EDGE_SHARE: Final = 0.1
_SHORT_LINE_CHARACTERS: Final = 150
_SHORT_LINES_SHARE: Final = 0.7
_KEPT_SHARE: Final = 0.3
"""If less would be left, the document is itself a licence, an index or the like, and is read."""

_KEPT_CHARACTERS: Final = 3_000
"""As much is a text of its own, however long the licence behind it is."""


@dataclass(slots=True)
class _Part:
    """A heading and what follows it, down to the next heading."""

    title: str
    level: int
    begin: int
    end: int
    position: int
    name: str = ""


def without_matter(document: Document, narration: Narration) -> Document:
    """The document without the front and back matter that the job does not read, and without marks of sections."""
    blocks = document.blocks
    plan = _Plan(blocks, narration)
    omissions = Omissions(document.omissions)
    kept: list[Block] = []
    if plan.leaves_enough():
        for name, sample, count in plan.omitted():
            omissions.add(name, BY_NAME[name].reason, sample, count=count)
        kept = [block for index, block in enumerate(blocks) if index not in plan.names]
    else:
        kept = list(blocks)
    return replace(
        document, blocks=tuple(block for block in kept if not isinstance(block, Section)), omissions=tuple(omissions)
    )


class _Plan:
    """What of a document is left out.

    Attributes:
        names: index of a block → the name of the matter that it belongs to.
    """

    def __init__(self, blocks: tuple[Block, ...], narration: Narration) -> None:
        self._blocks = blocks
        self._skipped = frozenset(each.name for each in MATTERS if not narration.reads(each.area))
        self._total = sum(map(_length, blocks))
        self.names: dict[int, str] = {}
        if self._skipped:
            self._by_marks()
            self._by_titles()
            self._by_words()

    def leaves_enough(self) -> bool:
        """Whether there is still a text to read."""
        left = [block for index, block in enumerate(self._blocks) if index not in self.names]
        return not self.names or (
            sum(map(_length, left)) >= min(_KEPT_SHARE * self._total, _KEPT_CHARACTERS)
            and any(isinstance(block, Paragraph) and SPEAKABLE.search(block.text) for block in left)
        )

    def omitted(self) -> Iterator[tuple[str, str, int]]:
        """Name, sample and count of each stretch that is left out; a stretch counts once."""
        before, previous = "", -2
        for index in sorted(self.names):
            name, text = self.names[index], _text(self._blocks[index])
            if text and (name != before or index > previous + 1):
                yield name, text, 1
                before = name
            previous = index if text or previous == index - 1 else previous

    def _by_marks(self) -> None:
        kind = ""
        for index, block in enumerate(self._blocks):
            if isinstance(block, Section):
                kind = block.kind if block.kind in self._skipped else ""
            elif kind:
                self.names[index] = kind

    def _by_titles(self) -> None:
        parts = list(self._parts())
        deeper_than: int | None = None
        name = ""
        for number, part in enumerate(parts):
            if deeper_than is None or part.level <= deeper_than:
                name = self._kind(part)
                deeper_than = part.level if name and not self._holds_the_text(parts[number:]) else None
            if name:
                for index in range(part.begin, part.end):
                    self.names.setdefault(index, name)

    def _holds_the_text(self, parts: list[_Part]) -> bool:
        """Whether much of the text stands below the first of these parts, as below a title page."""
        end = next((part.begin for part in parts[1:] if part.level <= parts[0].level), parts[-1].end)
        return sum(map(_length, self._blocks[parts[0].end : end])) > _KEPT_SHARE * self._total

    def _parts(self) -> Iterator[_Part]:
        part: _Part | None = None
        position = chapter_level = 0
        for index, block in enumerate(self._blocks):
            if isinstance(block, ChapterStart):
                chapter_level = block.level
                new: tuple[str, int] | None = (block.title, block.level)
            elif isinstance(block, Heading):
                level = block.level if block.starts_chapter else chapter_level + block.level
                is_own = (
                    part is not None
                    and isinstance(self._blocks[part.begin], ChapterStart)
                    and not any(map(_text, self._blocks[part.begin : index]))
                )
                new = None if is_own else (block.text, level)
            else:
                new = None
            if new is not None:
                if part is not None:
                    part.end = index
                    yield part
                part = _Part(*new, begin=index, end=len(self._blocks), position=position)
            position += _length(block)
        if part is not None:
            yield part

    def _kind(self, part: _Part) -> str:
        """The name of the matter that a part is; "" if it is the text itself."""
        texts = [text for block in self._blocks[part.begin : part.end] if (text := _text(block))]
        title = key(part.title)
        if "licence" in self._skipped and legal_texts.is_licence([part.title, *texts]):
            return "licence"
        body = texts[1:] if texts and key(texts[0]) == title else texts
        for matter in MATTERS:
            if matter.name in self._skipped and title in matter.titles and self._fits(matter, part, body):
                return matter.name
        return ""

    def _fits(self, matter: Matter, part: _Part, body: list[str]) -> bool:
        """Whether a part with such a title is where such matter stands, and looks like it."""
        size = sum(map(len, body))
        border = self._total / 2 if self._total <= _FEW_CHARACTERS else self._total * _FRONT_SHARE
        is_front = part.position <= border
        if is_front != (matter.area == "front_matter") and matter.name != "licence":
            return False
        if matter.name == "links" and part.title.isupper():
            return False  # SEE ALSO is a section of every manual page
        if matter.limit_characters is not None and size > matter.limit_characters:
            return False
        if matter.name == "licence" and not any(map(legal_texts.is_permission, body)):
            return (part.level == 1 or "gnu" in key(part.title)) and size <= _EDGE_CHARACTERS
        short = sum(len(text) <= _SHORT_LINE_CHARACTERS for text in body)
        return not matter.is_list or short >= _SHORT_LINES_SHARE * len(body)

    def _by_words(self) -> None:
        """Copyright notices and permissions at both ends of a text."""
        edge = min(_EDGE_CHARACTERS, max(_EDGE_SHARE * self._total, 1_000))
        position = 0
        for index, block in enumerate(self._blocks):
            is_edge = position <= edge or position >= self._total - edge
            if isinstance(block, Paragraph) and is_edge and index not in self.names:
                if legal_texts.is_permission(block.text):
                    name = "licence"
                else:
                    name = "copyright page" if legal_texts.is_notice(block.text) else ""
                if name in self._skipped:
                    self.names[index] = name
            position += _length(block)


def _text(block: Block) -> str:
    return block.text if isinstance(block, (Heading, Paragraph)) else ""


def _length(block: Block) -> int:
    return len(_text(block))
