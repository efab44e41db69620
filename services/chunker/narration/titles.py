"""Titles: a number and its title are one, and the same title twice is said once. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Paragraph
from services.chunker.narration.matter_kinds import key

_LABEL: Final = re.compile(
    r"(?:(?:chapter|part|book|section|lesson|act|scene|kapitel|teil|buch|abschnitt|akt"
    r"|chapitre|partie|livre|acte|cap\u00edtulo|parte|libro"
    r"|capitolo|livro|hoofdstuk|deel|boek|rozdzia\u0142|cz\u0119\u015b\u0107|ksi\u0119ga"
    r"|\u0433\u043b\u0430\u0432\u0430|\u0447\u0430\u0441\u0442\u044c|\u043a\u043d\u0438\u0433\u0430|del|bok)"
    r" (?:\d{1,3}|[ivxlc]{1,7}|the \w{3,12}|\w{2,12})|\d{1,3}|[ivxlc]{1,7}"
    r"|\u7b2c.{1,5}[\u7ae0\u90e8\u56de\u7bc0\u7f16])[.:]?"
)
"""`Chapter 1`, `Part Two`, `IV.`: a title that wants another one after it."""


def joined(document: Document) -> Document:
    """The document with each chapter's number and title as one heading, and no heading twice in a row."""
    blocks: list[Block] = []
    last: int | None = None  # where the heading is that nothing was spoken after
    for block in document.blocks:
        if isinstance(block, Heading) and last is not None:
            before = blocks[last]
            if isinstance(before, Heading) and (one := _as_one(before, block)) is not None:
                blocks[last] = one
                continue
        if isinstance(block, Heading):
            last = len(blocks)
        elif isinstance(block, (Paragraph, ChapterStart)):
            last = None
        blocks.append(block)
    return replace(document, blocks=tuple(blocks))


def _as_one(first: Heading, second: Heading) -> Heading | None:
    if first.starts_chapter < second.starts_chapter and first.level < second.level:
        return None
    if key(first.text) == key(second.text) and key(first.text):
        text = first.text if len(first.text) >= len(second.text) else second.text
    elif _is_label(first.text) and not _is_label(second.text):
        text = f"{first.text.rstrip('.: ')}. {second.text}"
    else:
        return None
    return replace(first, text=text, starts_chapter=first.starts_chapter or second.starts_chapter)


def _is_label(text: str) -> bool:
    return len(text) < 40 and _LABEL.fullmatch(" ".join(text.casefold().split())) is not None  # noqa: PLR2004 - as long as a label is
