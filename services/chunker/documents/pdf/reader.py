"""Reads a PDF into a document: glyphs, lines, columns, furniture, paragraphs, headings. Runs in a worker process."""

from __future__ import annotations

import re
from typing import Final

from services.chunker.documents.document import Block, ChapterStart, Document, Heading, Omissions, Paragraph
from services.chunker.documents.pdf import (
    columns,
    file,
    furniture,
    grouping,
    gutters,
    headings,
    lines,
    measures,
    naming,
    recognising,
)
from services.chunker.documents.pdf.passages import Joining, Kind, Passage
from services.chunker.documents.pdf.pieces import Page
from shared.errors import BadSource
from shared.protocol.narration import Narration

_FURNITURE = "running heads, feet and page numbers belong to the paper"
_TURNED = "text across the page belongs to the paper or to a picture"
_REASONS: Final[dict[Kind, tuple[str, str]]] = {
    "code": ("code", "code is written to be read, not heard"),
    "table": ("table", "a table read aloud cannot be followed"),
    "contents": ("contents", "a table of contents is for turning pages"),
    "footnote": ("footnote", "footnotes and their marks interrupt the text"),
    "caption": ("caption", "it belongs to a picture, a table or a piece of code that is not spoken"),
    "math": ("math", "formulas are markup, not words"),
    "figure": ("figure", "the words in a picture say nothing without the picture"),
}
_MARK_ALONE = re.compile(r"\d{1,3}|[*\u2020\u2021\u00a7\u00b6]{1,3}")
_SCANNED = "a page that is only a picture has no text; OCR would give it one"


def read(data: bytes, narration: Narration) -> Document:
    """The document of a PDF.

    Args:
        data: the file.
        narration: which kinds of content are read.

    Raises:
        BadSource: it is broken, encrypted, or a scan without text.
        TooLarge: it has too many pages or characters.
    """
    with file.opened(data) as handle:
        pages = list(file.pages(handle))
        about = file.about(handle)
        outline = file.bookmarks(handle, [page.height for page in pages])
    omissions = Omissions()
    _scanned(pages, omissions)
    rows = [lines.rows(lines.segments(page.pieces)) for page in pages]
    heights = [page.height for page in pages]
    for _, text in furniture.taken_out(rows, heights, (about.title or "", about.author or "")):
        omissions.add("page furniture", _FURNITURE, text)
    for page in pages:
        if page.turned.strip():
            omissions.add("page furniture", _TURNED, page.turned.strip())
    starts = gutters.found(rows)
    laid_out = [columns.in_order(row, number, starts[number]) for number, row in enumerate(rows)]
    usual = measures.take(laid_out)
    joining = Joining()
    for page_lines in laid_out:
        joining.learn(page_lines)
    parts = grouping.passages(laid_out, recognising.kinds(laid_out, usual), usual)
    headings.mark(parts, outline, usual, joining)
    naming.bylines(about.author, parts)
    title, standing = naming.title(about.title, parts, usual, joining)
    for part in parts:
        for mark in (mark for line in (*part.lines, *part.joined) for mark in line.marks):
            omissions.add("footnote mark", _REASONS["footnote"][1], mark)
    return Document(
        blocks=tuple(_Writing(narration, omissions, joining, has_outline=bool(outline)).blocks(parts, standing)),
        title=title,
        author=naming.author(about.author),
        language=about.language or None,
        omissions=tuple(omissions),
    )


def _scanned(pages: list[Page], omissions: Omissions) -> None:
    empty = [page for page in pages if not page.pieces and page.pictures]
    if pages and len(empty) == sum(not page.pieces for page in pages) == len(pages):
        raise BadSource(
            f"The PDF is a scan: its {len(pages):,} pages are pictures without text.",
            hint="Run OCR over it first, for instance with ocrmypdf, and hand over the result.",
        )
    if empty:
        omissions.add("scanned page", _SCANNED, count=len(empty))


class _Writing:
    """Makes blocks of parts."""

    def __init__(self, narration: Narration, omissions: Omissions, joining: Joining, *, has_outline: bool) -> None:
        self._narration = narration
        self._omissions = omissions
        self._joining = joining
        self._has_outline = has_outline

    def blocks(self, parts: list[Passage], title: Passage | None) -> list[Block]:
        """The blocks, in order."""
        made: list[Block] = []
        for part in parts:
            if part.kind in _REASONS:
                made += self._special(part)
                continue
            text = self._joining.text([*part.lines, *part.joined])
            if not text:
                continue
            if part.kind == "text" and _MARK_ALONE.fullmatch(text):
                self._omissions.add("footnote mark", _REASONS["footnote"][1], text)
                continue
            if part.kind == "heading":
                if part.title:
                    _begin(made, ChapterStart(_title(part, text), part.level))
                is_chapter = not self._has_outline and part is not title
                made.append(Heading(text, part.level, starts_chapter=is_chapter))
            else:
                made.append(
                    Paragraph(
                        _without_bullet(part, text),
                        "item" if part.kind == "item" else "term" if part.kind == "term" else "paragraph",
                    )
                )
        return made

    def _special(self, part: Passage) -> list[Block]:
        kind, reason = _REASONS[part.kind]
        wanted = {"code": "code", "table": "tables", "footnote": "notes", "caption": "captions"}.get(part.kind)
        text = self._joining.text(part.lines)
        if wanted is None or not self._narration.reads(wanted):  # type: ignore[arg-type]  # the values are kinds
            self._omissions.add(kind, reason, text)
            return []
        if part.kind == "code":
            return [Paragraph(line.text, "code") for line in part.lines]
        if part.kind == "table":
            return [Paragraph("; ".join(cell[2] for cell in line.cells)) for line in part.lines]
        return [Paragraph(text)]


def _begin(made: list[Block], chapter: ChapterStart) -> None:
    """Begin a chapter before the words that stand alone above its heading: "Chapter", "Three"."""
    at = len(made)
    while at and at > len(made) - 2:
        block = made[at - 1]
        if not isinstance(block, Heading) or block.starts_chapter or len(block.text.split()) > 2:
            break
        if at >= 2 and isinstance(made[at - 2], ChapterStart):
            break
        at -= 1
    made.insert(at, chapter)


def _title(part: Passage, text: str) -> str:
    """The heading as it stands on the page, with its number, unless it is all capitals or longer than the outline's."""
    return text if headings.key(text).endswith(headings.key(part.title)) and not text.isupper() else part.title


def _without_bullet(part: Passage, text: str) -> str:
    if (
        part.kind == "item"
        and len(text) > 1
        and not text[0].isalnum()
        and text[0] not in "([\"'\u201c\u2018\u00ab\u00bf\u00a1"
    ):
        return text[1:].lstrip() or text
    return text
