"""Plain text as a document: headings, paragraphs, items, quotations; tables, code and contents left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from services.chunker.documents.document import Block, Document, Heading, Omissions, Paragraph
from services.chunker.documents.text import contents, frames, headings, outline, pages, rfc
from services.chunker.documents.text.figures import Kind, cells_of, kind_of
from services.chunker.documents.text.headings import Found
from services.chunker.documents.text.paragraphs import Shape, joined, paragraphs_of, shape_of
from services.chunker.documents.text.parts import Stretch, parts_of, unquoted
from services.chunker.documents.text.rows import LineGroup, Title, groups_of, has_words, rows_of
from shared.protocol.narration import Narration

_REASONS: dict[str, str] = {
    "code": "code is written to be read, not heard",
    "table": "a table read aloud cannot be followed",
    "figure": "a drawing made of characters cannot be heard",
    "caption": "it belongs to a picture, a table or a piece of code that is not spoken",
    "quote": "the job leaves out quotations",
}
_CAPTION = re.compile(
    r"\s*(?:figure|fig\.|table|listing|example|abbildung|abb\.|tabelle|tableau|figura|tabla|tabela|tabel|"
    r"\u0440\u0438\u0441\.|\u0440\u0438\u0441\u0443\u043d\u043e\u043a|\u0442\u0430\u0431\u043b\u0438\u0446\u0430)"
    r"\s*(?:\d|[A-Z]\.)[\d.]*[.:]?(?:\s.*)?",
    re.IGNORECASE,
)
_SHORT_CHARACTERS = 3


def read(text: str, narration: Narration) -> Document:
    """The document of a plain text.

    Args:
        text: decoded.
        narration: which kinds of content are read.
    """
    omissions = Omissions()
    frame = frames.take(rows_of(text), omissions, keep=narration.reads("back_matter"))
    rows = headings.underlined(pages.without_furniture(frame.rows, omissions))
    if not narration.reads("front_matter"):
        rows = contents.without_contents(rows, omissions)
    pieces = list(groups_of(rows))
    shape = shape_of([piece.lines for piece in pieces if isinstance(piece, LineGroup)])
    writer = _Writer(narration, omissions, shape)
    writer.write(outline.outlined(pieces, shape.body_indent))
    return Document(
        blocks=tuple(rfc.marked(writer.blocks) if frame.is_rfc else writer.blocks),
        title=frame.title or writer.title,
        author=frame.author,
        language=frame.language,
        omissions=tuple(omissions),
    )


@dataclass
class _Writer:
    """Makes blocks of the pieces of a text, in order."""

    narration: Narration
    omissions: Omissions
    shape: Shape
    blocks: list[Block] = field(default_factory=list)
    title: str | None = None
    _styles: list[str] = field(default_factory=list)

    def write(self, pieces: list[outline.Piece]) -> None:
        kinds = self._kinds(pieces)
        has_chapters = any(isinstance(piece, Found) and piece.kind == "chapter" for piece in pieces)
        for at, piece in enumerate(pieces):
            if isinstance(piece, LineGroup):
                self._group(piece, kinds[at], beside_figure=self._omitted(kinds[at - 1 : at] + kinds[at + 1 : at + 2]))
            else:
                self._heading(piece, has_chapters=has_chapters)

    def _kinds(self, pieces: list[outline.Piece]) -> list[Kind | None]:
        """What each piece is, if it is no prose; what is between code and as deep is code."""
        kinds = [
            kind_of(piece, self.shape.body_indent)
            if isinstance(piece, LineGroup) and len(piece.text) > _SHORT_CHARACTERS
            else None
            for piece in pieces
        ]
        for at in range(1, len(kinds) - 1):
            piece, before, after = pieces[at], pieces[at - 1], pieces[at + 1]
            if kinds[at] is None and kinds[at - 1] == "code" == kinds[at + 1] and isinstance(piece, LineGroup):
                depth = min(group.indent for group in (before, after) if isinstance(group, LineGroup))
                if piece.indent >= depth > self.shape.body_indent:
                    kinds[at] = "code"
        return kinds

    def _omitted(self, kinds: list[Kind | None]) -> bool:
        return any(kind is not None and not self._reads(kind) for kind in kinds)

    def _reads(self, kind: Kind) -> bool:
        return kind != "figure" and self.narration.reads("code" if kind == "code" else "tables")

    def _heading(self, piece: Found | Title, *, has_chapters: bool) -> None:
        if isinstance(piece, Title):
            if piece.style not in self._styles:
                self._styles.append(piece.style)
            text, level = piece.text, 1 + self._styles.index(piece.style)
            if number := headings.NUMBERED.fullmatch(text):
                level = number["number"].count(".") + 1
        else:
            text = piece.text
            level = piece.depth + (has_chapters and piece.kind not in {"chapter", "named", "title", "numbered"})
        if self.title is None and not any(
            isinstance(block, Paragraph) and has_words(block.text) for block in self.blocks
        ):
            self.title = text
        self.blocks.append(Heading(text, min(level, 6)))

    def _group(self, group: LineGroup, kind: Kind | None, *, beside_figure: bool) -> None:
        if kind is not None:
            self._figure(group, kind)
        elif beside_figure and not self.narration.reads("captions") and _CAPTION.fullmatch(group.text[:300]):
            self.omissions.add("caption", _REASONS["caption"], group.text)
        else:
            for part in parts_of(group.lines):
                self._part(part)

    def _figure(self, group: LineGroup, kind: Kind) -> None:
        if not self._reads(kind):
            self.omissions.add(kind, _REASONS[kind], "\n".join(group.lines))
        elif kind == "code":
            self.blocks += [Paragraph(" ".join(line.split()), "code") for line in group.lines]
        else:
            rows = map(cells_of, group.lines)
            self.blocks += [Paragraph(row) for row in rows if has_words(row)]

    def _part(self, part: Stretch) -> None:
        if part.role == "quote":
            self._quote(part.lines)
        elif part.role == "item":
            self.blocks += [Paragraph(text, "item") for text in paragraphs_of(part.lines, self.shape)]
        else:
            self.blocks += [Paragraph(text) for text in paragraphs_of(part.lines, self.shape)]

    def _quote(self, lines: list[str]) -> None:
        if not self.narration.reads("quotes"):
            self.omissions.add("quote", _REASONS["quote"], "\n".join(lines))
            return
        depth, together = 0, list[str]()
        for new, line in [*unquoted(lines), (-1, "")]:
            if together and (new != depth or not line.strip()):
                self.blocks.append(Paragraph(joined(together, self.shape), "quote"))
                together = []
            depth = new
            if line.strip():
                together.append(line)
