"""Turns pandoc's tree into a document; decides for each node type what is spoken and what is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import html as lxml_html

from services.chunker.documents.decoding import for_xml
from services.chunker.documents.document import Anchor, Block, Document, Heading, Omissions, Paragraph, Role
from services.chunker.documents.inlines import Inlines, Node, plain
from services.chunker.documents.plain_text import join_lines
from services.chunker.documents.pruning import take_out
from shared.errors import BadSource
from shared.protocol.narration import Narration

_CODE = "code is written to be read, not heard"
_QUOTE = "the job leaves out quotations"
_TABLE = "a table read aloud cannot be followed"
_CAPTION = "it belongs to a picture, a table or a piece of code that is not spoken"
_FOOTNOTE = "footnotes and their marks interrupt the text"
_CONTENTS = "a table of contents is for turning pages"
_RAW = "raw markup, not words"

_NOTES = frozenset(
    {"footnotes", "footnote", "endnotes", "endnote", "rearnote", "rearnotes", "doc-footnote", "doc-endnotes"}
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^<>]*>", re.DOTALL)
"""A declaration ends at the next bracket of either kind; otherwise a row of unterminated ones would be scanned
again from each of them."""
_NOT_SPOKEN_IN_HTML = ("script", "style", "template", "svg", "head", "noscript")


def read(tree: bytes, narration: Narration) -> Document:
    """Make a document from pandoc's JSON.

    Args:
        tree: what pandoc wrote.
        narration: which kinds of content are read.

    Raises:
        BadSource: the tree is nested too deeply.
    """
    try:
        parsed = json.loads(tree)
        reader = _Reader(narration)
        reader.blocks_of(parsed["blocks"])
        meta: dict[str, Any] = parsed["meta"]
        return Document(
            blocks=tuple(reader.blocks),
            title=_one(meta, "title"),
            author=_one(meta, "author", "creator"),
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

    def __init__(self, narration: Narration) -> None:
        self.blocks: list[Block] = []
        self._narration = narration
        self.omissions = Omissions()
        self._inlines = Inlines(self.omissions, self._anchor)

    def _anchor(self, name: str) -> None:
        self.blocks.append(Anchor(name))

    def blocks_of(self, nodes: list[Node], role: Role = "paragraph") -> None:
        for node in nodes:
            self._block(node, role)

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
                    self.omissions.add("quote", _QUOTE, plain(content))
            case "BulletList":
                self._items(content)
            case "OrderedList":
                self._items(content[1])
            case "DefinitionList":
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
                self.omissions.add("table", _TABLE, plain(content[1:]))
                for caption in (plain(content[1]),):
                    if caption.strip():
                        self.omissions.add("caption", _CAPTION, caption)
            case "RawBlock":
                self._raw(str(content[0]), str(content[1]), role)

    def _code(self, text: str) -> None:
        if self._narration.reads("code"):
            self.blocks += [Paragraph(line, "code") for line in map(join_lines, text.splitlines()) if line]
        else:
            self.omissions.add("code", _CODE, text)

    def _paragraph(self, inlines: list[Node], role: Role) -> None:
        text = self._inlines.text(inlines)
        if text:
            self.blocks.append(Paragraph(text, role))

    def _items(self, items: list[list[Node]]) -> None:
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
        (name, classes, attributes), nodes = content
        kinds = {*classes, *(value for key, value in attributes if key in {"role", "epub:type", "type"})}
        if kinds & _NOTES and not self._narration.reads("notes"):
            self.omissions.add("footnote", _FOOTNOTE, plain(nodes))
            return
        if "doc-toc" in kinds:
            self.omissions.add("contents", _CONTENTS, plain(nodes))
            return
        if name:
            self._anchor(name)
        self.blocks_of(nodes, role)

    def _figure(self, content: list[Any], role: Role) -> None:
        (name, _, _), (_, caption), nodes = content
        if name:
            self._anchor(name)
        before = len(self.blocks)
        self.blocks_of(nodes, role)
        if len(self.blocks) > before or self._narration.reads(
            "captions"
        ):  # a figure with words: its caption is part of the text
            self.blocks_of(caption, role)
        elif words := plain(caption).strip():
            self.omissions.add("caption", _CAPTION, words)

    def _raw(self, format: str, markup: str, role: Role) -> None:  # noqa: A002 - pandoc's name for it
        """HTML inside Markdown: its words are ordinary text."""
        if format != "html":
            self.omissions.add("raw", _RAW, markup)
            return
        for text, why in words_of_html(markup):
            if why:
                self.omissions.add(*why, text)
            else:
                self.blocks.append(Paragraph(text, role))


def _outermost(root: lxml_html.HtmlElement, tags: tuple[str, ...]) -> Iterator[lxml_html.HtmlElement]:
    """The elements with these tags that are not inside another of them."""
    inside: set[lxml_html.HtmlElement] = set()
    for element in root.iter():
        if element.getparent() in inside:
            inside.add(element)
        elif element.tag in tags:
            inside.add(element)
            yield element


def words_of_html(markup: str) -> list[tuple[str, tuple[str, str] | None]]:
    """The words of a piece of HTML by paragraph; or what is left out, with kind and reason."""
    markup = _COMMENT.sub("", for_xml(markup))
    if not markup.strip():
        return []
    root = lxml_html.fragment_fromstring(markup, create_parent="div")
    found: list[tuple[str, tuple[str, str] | None]] = []
    for kind, reason, tags in (
        ("code", _CODE, ("pre",)),
        ("table", _TABLE, ("table",)),
        ("raw", _RAW, _NOT_SPOKEN_IN_HTML),
    ):
        outermost = list(_outermost(root, tags))
        texts_left_out = (" ".join(str(element.text_content()).split()) for element in outermost)
        found += [(words, (kind, reason)) for words in texts_left_out if words]
        take_out(outermost)
    found += [(element.get("alt") or "", ("image", "a picture cannot be heard")) for element in root.iter("img")]
    pictured = {above for image in root.iter("img") for above in image.iterancestors()}
    captions = [element for element in _outermost(root, ("figcaption",)) if element.getparent() in pictured]
    found += [(" ".join(str(element.text_content()).split()), ("caption", _CAPTION)) for element in captions]
    take_out(captions)
    for element in root.iter(
        "p", "div", "li", "br", "dt", "dd", "summary", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"
    ):
        element.tail = "\u2029" + (element.tail or "")
        element.text = "\u2029" + (element.text or "") if element.tag != "br" else element.text
    texts = (" ".join(part.split()) for part in str(root.text_content()).split("\u2029"))
    return [*found, *((text, None) for text in texts if text)]
