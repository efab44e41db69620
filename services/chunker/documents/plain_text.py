"""Plain text: paragraphs separated by blank lines, hard-wrapped lines joined; other formats join lines the same way."""

from __future__ import annotations

import re

from services.chunker.documents.document import Document, Paragraph

_BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")
_WIDE = "\u2e80-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff60"
_BREAK_BETWEEN_WIDE = re.compile(rf"(?<=[{_WIDE}])[^\S\n]*\n\s*(?=[{_WIDE}])")


def join_lines(text: str) -> str:
    """Join lines: a space for each line break, and nothing between ideographs, which are written without spaces."""
    return " ".join(_BREAK_BETWEEN_WIDE.sub("", text).split())


def read(text: str) -> Document:
    """The document of a plain text; it has no headings and no metadata."""
    unix = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").replace("\u2029", "\n\n")
    paragraphs = (join_lines(part) for part in _BLANK_LINES.split(unix))
    return Document(blocks=tuple(Paragraph(part) for part in paragraphs if part))
