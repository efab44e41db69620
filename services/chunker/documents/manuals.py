"""Manual pages and Perl's documentation: the name is the title, the synopsis is code."""

from __future__ import annotations

import re
from dataclasses import replace

from services.chunker.documents.document import Block, Document, Heading, Omissions, Paragraph
from shared.protocol.narration import Narration

_CODE = "code is written to be read, not heard"
_DASH = re.compile(r"\s(?:-{1,2}|\u2010|\u2013|\u2014)\s")
_SYNOPSIS = frozenset(
    {
        "synopsis", "übersicht", "sinopsis", "sintassi", "syntax", "syntaxe", "sinossi", "samenvatting", "sintaxe",
        "sinopse", "resumen", "обзор", "синтаксис",
        "składnia", "użycie", "přehled", "synops", "書式", "usage", "synópse", "overzicht",
    }
)  # fmt: skip
_LONGEST_NAME_CHARACTERS = 300


def with_title(document: Document, narration: Narration) -> Document:
    """The document with the title that its first section names, and without the synopsis.

    Args:
        document: of a manual page.
        narration: whether code is read.
    """
    omissions = Omissions(document.omissions)
    kept: list[Block] = []
    skipped: list[str] = []
    skipping = False
    for block in document.blocks:
        if isinstance(block, Heading):
            skipping = block.text.strip(" .").lower() in _SYNOPSIS and not narration.reads("code")
            if skipping:
                continue
        if skipping and isinstance(block, Paragraph):
            skipped.append(block.text)
        elif not skipping:
            kept.append(block)
    if skipped:
        omissions.add("code", _CODE, " ".join(skipped))
    return replace(document, blocks=tuple(kept), title=_name(kept) or document.title, omissions=tuple(omissions))


def _name(blocks: list[Block]) -> str | None:
    """The name and what it is for, from the first section: "ls - list directory contents"."""
    texts = [block for block in blocks if isinstance(block, (Heading, Paragraph))][:3]
    if len(texts) > 1 and isinstance(texts[0], Heading) and isinstance(texts[1], Paragraph):
        text = texts[1].text
        if _DASH.search(text) and len(text) <= _LONGEST_NAME_CHARACTERS:
            return text
    return None
