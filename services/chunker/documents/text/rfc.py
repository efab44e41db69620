"""The parts that every RFC has for its publisher: its status, notices of rights, and where its authors live."""

from __future__ import annotations

from typing import Final

from services.chunker.documents.document import Block, Heading, Paragraph, Section
from services.chunker.narration.matter_kinds import key

_PARTS: Final = {
    "status of this memo": "copyright page",
    "copyright notice": "copyright page",
    "copyright and license notice": "copyright page",
    "full copyright statement": "copyright page",
    "copying conditions": "licence",
    "disclaimer of validity": "licence",
    "intellectual property": "licence",
    "intellectual property statement": "licence",
    "author's address": "addresses",
    "authors' addresses": "addresses",
    "editor's address": "addresses",
    "editors' addresses": "addresses",
    "author information": "addresses",
}
"""Heading, as `key` makes it → the matter that it is. Elsewhere such headings may begin chapters, here never."""
_FUNDED: Final = "funding for the rfc editor"
_ACKNOWLEDGED: Final = frozenset({"acknowledgement", "acknowledgment"})
_APOSTROPHES: Final = str.maketrans("\u2019\u2018`", "'''")


def marked(blocks: list[Block]) -> list[Block]:
    """The blocks with a `Section` around each of these parts.

    Args:
        blocks: of an RFC.
    """
    found: list[Block] = []
    deeper_than: int | None = None
    for at, block in enumerate(blocks):
        if isinstance(block, Heading) and (deeper_than is None or block.level <= deeper_than):
            kind = _kind(block, blocks[at + 1] if at + 1 < len(blocks) else None)
            if deeper_than is not None or kind:
                found.append(Section(kind))
            deeper_than = block.level if kind else None
        found.append(block)
    return found


def _kind(heading: Heading, after: Block | None) -> str:
    title = key(heading.text.translate(_APOSTROPHES))
    if title in _ACKNOWLEDGED and isinstance(after, Paragraph) and after.text.casefold().startswith(_FUNDED):
        return "copyright page"
    return _PARTS.get(title, "")
