"""Code that stands in ordinary paragraphs, a line each, as word processors and mails have it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from services.chunker.documents import reasons
from services.chunker.documents.document import Block, Document, Omissions, Paragraph
from shared.protocol.narration import Narration

_FEWEST_LINES: Final = 3
_LINE_CHARACTERS: Final = 200
_CODE: Final = re.compile(
    r"[{}]|\}\s{0,9}(?:else|;|,).{0,40}|//.{0,199}|#(?:include|define|ifdef|ifndef|endif|pragma)\b.{0,180}"
    r"|(?=.{0,199}[(){}=<>\[\]]).{1,198}(?:;|\{)"
)
"""A line of a language with braces: one of them alone, a comment, or a statement with a sign of its own in it."""
_MAYBE: Final = re.compile(r"(?=.{0,199}(?:[;{}()=]|::|\w_\w|,$)).{0,198}[^.!?:\s]")
"""A line that goes on with a statement, if it stands among such lines."""
_SHARE: Final = 0.4


def without_code(document: Document, narration: Narration) -> Document:
    """The document with stretches of such lines as code, read or left out.

    Args:
        document: as it was read.
        narration: whether code is read.
    """
    blocks: list[Block] = []
    omissions = Omissions(document.omissions)
    run: list[Paragraph] = []

    def close() -> None:
        sure = sum(map(_is_code, run))
        if sure < max(_FEWEST_LINES, _SHARE * len(run)):
            blocks.extend(run)
        elif narration.reads("code"):
            blocks.extend(replace(line, role="code") for line in run)
        else:
            omissions.add("code", reasons.CODE, "\n".join(line.text for line in run))
        run.clear()

    for block in document.blocks:
        if isinstance(block, Paragraph) and (_is_code(block) or _may_be_code(block)):
            run.append(block)
        else:
            close()
            blocks.append(block)
    close()
    return replace(document, blocks=tuple(blocks), omissions=tuple(omissions))


def _is_code(block: Paragraph) -> bool:
    return _is_line(block) and _CODE.fullmatch(block.text.strip()) is not None


def _may_be_code(block: Paragraph) -> bool:
    return _is_line(block) and _MAYBE.fullmatch(block.text.strip()) is not None


def _is_line(block: Paragraph) -> bool:
    return block.role == "paragraph" and len(block.text) <= _LINE_CHARACTERS and block.speaker is None
