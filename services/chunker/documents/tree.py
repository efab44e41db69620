"""Turns pandoc's tree into a document; decides for each node type what is spoken and what is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from services.chunker.documents import boxes, notes, reasons, tables
from services.chunker.documents.document import Anchor, Block, Document, Heading, Omissions, Paragraph, Role, Section
from services.chunker.documents.inlines import Inlines, Node, plain
from services.chunker.documents.navigation import is_contents, is_link_to_section, is_row_of_links
from services.chunker.documents.odt import CODE_MARK, CODE_STYLE
from services.chunker.documents.plain_text import join_lines
from services.chunker.documents.raw_html import words_of_html
from services.chunker.narration import matter_kinds
from shared.errors import BadSource
from shared.protocol.narration import Narration

_ADDRESS = re.compile(r"\s?(?:\([^()]{0,300}(?:https?|mailto):[^()]{0,300}\)|<[^<>@\s]{1,100}@[^<>\s]{1,100}>)")
"""Where an author is to be found, behind the name."""


def read(tree: bytes, narration: Narration, *, rest: Sequence[bytes] = ()) -> Document:
    """Make a document from pandoc's JSON.

    Args:
        tree: what pandoc wrote.
        narration: which kinds of content are read.
        rest: what it wrote of the parts that follow, of a document that was parsed in parts.

    Raises:
        BadSource: the tree is nested too deeply.
    """
    try:
        parsed = json.loads(tree)
        for part in rest:
            parsed["blocks"] += json.loads(part)["blocks"]
        found = notes.all_notes(parsed["blocks"]) if narration.reads("notes") else {}
        reader = _Reader(narration, found)
        reader.blocks_of(parsed["blocks"])
        if not any(isinstance(block, (Heading, Paragraph)) for block in reader.blocks) and any(
            omission.kind == "contents" for omission in reader.omissions
        ):
            # A document that is nothing but a list of links: that is what there is to read.
            reader = _Reader(narration.model_copy(update={"front_matter": True}), found)
            reader.blocks_of(parsed["blocks"])
        meta: dict[str, Any] = parsed["meta"]
        return Document(
            blocks=tuple(reader.blocks),
            title=_one(meta, "title"),
            author=_ADDRESS.sub("", _one(meta, "author", "creator") or "").strip() or None,
            language=_one(meta, "lang", "language"),
            omissions=tuple(reader.omissions),
        )
    except RecursionError as error:
        raise BadSource(
            "The document is nested too deeply.",
            hint="Quotes or lists inside one another, some hundred levels: flatten them.",
        ) from error


def _one(meta: dict[str, Any], *names: str) -> str | None:
    """A field of the metadata; several values (authors) with commas between."""
    for name in names:
        value = meta.get(name)
        if not value:
            continue
        values = value["c"] if value["t"] == "MetaList" else [value]
        text = ", ".join(filter(None, (" ".join(plain(each).split()) for each in values)))
        if text:
            return text
    return None


class _Reader:
    """Walks the tree in reading order."""

    def __init__(self, narration: Narration, found: dict[str, list[Node]]) -> None:
        self.blocks: list[Block] = []
        self._narration = narration
        self.omissions = Omissions()
        self._inlines = Inlines(self.omissions, self._anchor, narration, found)
        self._section = ""
        self._is_title_page = False

    def _anchor(self, name: str) -> None:
        self.blocks.append(Anchor(name))

    def blocks_of(self, nodes: list[Node], role: Role = "paragraph") -> None:
        # Paragraphs that are nothing but a link to a section are a table of contents if there are several in a row.
        for is_link, group in groupby(nodes, is_link_to_section):
            together = list(group)
            if is_link and self._left_out_as_contents(together):
                continue
            for node in together:
                self._block(node, role)
                self._flush_notes()

    def _left_out_as_contents(self, nodes: list[Node]) -> bool:
        if self._narration.reads("front_matter") or not is_contents(nodes):
            return False
        self.omissions.add("contents", reasons.CONTENTS, plain(nodes))
        return True

    def _block(self, node: Node, role: Role) -> None:  # noqa: C901, PLR0912 - one case a node type
        content: Any = node.get("c")
        match node["t"]:
            case "Para" | "Plain":
                self._paragraph(content, role)
            case "LineBlock":
                self._paragraph([part for line in content for part in (*line, {"t": "LineBreak"})], role)
            case "Header":
                self._header(content)
            case "BlockQuote":
                if self._narration.reads("quotes"):
                    self.blocks_of(content, "quote")
                else:
                    self.omissions.add("quote", reasons.QUOTE, plain(content))
            case "BulletList":
                self._items(content, [node])
            case "OrderedList":
                self._items(content[1], [node])
            case "DefinitionList":
                if not self._left_out_as_contents([node]):
                    for term, definitions in content:
                        self._paragraph(term, "term")
                        self._items(definitions)
            case "Div":
                self._div(content, role)
            case "Figure":
                self._figure(content, role)
            case "CodeBlock":
                self._code(str(content[1]))
            case "Table":
                self._table(content, role)
            case "RawBlock":
                self._raw(str(content[0]), str(content[1]), role)

    def _flush_notes(self) -> None:
        """Read the notes that the last block refers to; a note in a note follows it."""
        while waiting := self._inlines.notes_to_read:
            self.blocks_of(waiting.pop(0))

    def _code(self, text: str) -> None:
        if self._narration.reads("code"):
            self.blocks += [Paragraph(line, "code") for line in map(join_lines, text.splitlines()) if line]
        else:
            self.omissions.add("code", reasons.CODE, text)

    def _table(self, content: list[Any], role: Role) -> None:
        if frame := tables.only_cell(content):
            self.blocks_of(frame, role)
        elif self._narration.reads("tables"):
            self.blocks += [Paragraph(row, role) for row in tables.rows(content, self._cell)]
        else:
            self.omissions.add("table", reasons.TABLE, plain(content[1:]))
        caption = content[1][1]
        if self._narration.reads("captions"):
            self.blocks_of(caption, role)
        elif words := plain(caption).strip():
            self.omissions.add("caption", reasons.CAPTION, words)

    def _cell(self, nodes: list[Node]) -> str:
        """The words of a cell, with what is in it left out or read as elsewhere."""
        before, self.blocks = self.blocks, []
        self.blocks_of(nodes)
        inside, self.blocks = self.blocks, before
        self.blocks += [block for block in inside if isinstance(block, Anchor)]
        return " ".join(block.text for block in inside if isinstance(block, (Heading, Paragraph)))

    def _paragraph(self, inlines: list[Node], role: Role) -> None:
        if is_row_of_links(inlines):
            self.omissions.add("navigation", reasons.NAVIGATION, plain(inlines))
            return
        text = self._inlines.text(inlines)
        if text.startswith(CODE_MARK):
            self._code(text[1:])
        elif text:
            self.blocks.append(Paragraph(text, role))

    def _items(self, items: list[list[Node]], whole: list[Node] | None = None) -> None:
        if whole is not None and self._left_out_as_contents(whole):
            return
        for item in items:
            self.blocks_of(item, "item")

    def _header(self, content: list[Any]) -> None:
        level, (name, _, _), inlines = content
        if name:
            self._anchor(name)
        text = self._inlines.text(inlines)
        if text:
            self.blocks.append(Heading(text, level))

    def _div(self, content: list[Any], role: Role) -> None:
        (name, _, attributes), nodes = content
        kinds = notes.kinds_of(content[0])
        if kinds & notes.KINDS and not self._narration.reads("notes"):
            self.omissions.add("footnote", reasons.FOOTNOTE, plain(nodes))
            return
        if kinds & notes.KINDS:
            if self._inlines.has_read(name):
                return
            nodes = notes.without(nodes, self._inlines.has_read)
        if any(key == "custom-style" and CODE_STYLE.search(value) for key, value in attributes):
            self._code(plain(nodes))
            return
        if left_out := boxes.left_out(kinds, nodes, self._narration, is_in_title_page=self._is_title_page):
            self.omissions.add(*left_out)
            return
        if name:
            self._anchor(name)
        before, self._section = self._section, matter_kinds.of(kinds) or self._section
        if self._section != before:
            self.blocks.append(Section(self._section))
        was_title_page, self._is_title_page = self._is_title_page, self._is_title_page or "titlepage" in kinds
        if kinds & boxes.FORMAL and any(map(boxes.is_content, nodes)):
            self._formal(nodes, role)
        else:
            self.blocks_of(boxes.with_label(nodes) if kinds & boxes.ADMONITIONS else nodes, role)
        self._is_title_page = was_title_page
        if self._section != before:
            self._section = before
            self.blocks.append(Section(before))

    def _formal(self, nodes: list[Node], role: Role) -> None:
        """A figure, table or example as DocBook makes them: its title is a caption if nothing of the rest is read."""
        before = len(self.blocks)
        self.blocks_of([node for node in nodes if boxes.is_content(node)], role)
        inside, self.blocks = self.blocks[before:], self.blocks[:before]
        titles = [node for node in nodes if not boxes.is_content(node)]
        is_read = any(isinstance(block, (Heading, Paragraph)) for block in inside)
        if is_read or self._narration.reads("captions"):
            self.blocks_of(titles, role)
        elif words := plain(titles).strip():
            self.omissions.add("caption", reasons.CAPTION, words)
        self.blocks += inside

    def _figure(self, content: list[Any], role: Role) -> None:
        (name, _, _), (_, caption), nodes = content
        if name:
            self._anchor(name)
        before = len(self.blocks)
        self.blocks_of(nodes, role)
        words = join_lines(plain(caption))
        has_text = bool(plain(nodes, pictures=False).strip())
        # A figure with words: its caption is part of the text.
        if has_text or self._narration.reads("captions"):
            said = [block.text for block in self.blocks[before:] if isinstance(block, Paragraph)]
            if said == [words]:
                del self.blocks[before:]  # what stands for the picture is the caption again
            self.blocks_of(caption, role)
        elif words:
            self.omissions.add("caption", reasons.CAPTION, words)

    def _raw(self, format: str, markup: str, role: Role) -> None:  # noqa: A002 - pandoc's name for it
        """HTML inside Markdown: its words are ordinary text."""
        if format != "html":
            self.omissions.add("raw", reasons.RAW, markup)
            return
        for text, why in words_of_html(markup, self._narration):
            if why:
                self.omissions.add(*why, text)
            else:
                self.blocks.append(Paragraph(text, role))
