"""HTML inside Markdown: its words are ordinary text, and the same kinds of content are read or left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from lxml import html as lxml_html

from services.chunker.documents import tables
from services.chunker.documents.decoding import for_xml
from services.chunker.documents.pruning import take_out
from services.chunker.documents.reasons import CAPTION, CODE, IMAGE, RAW, TABLE
from services.chunker.documents.tag_soup import without_programs
from shared.protocol.narration import Kind, Narration

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<[!?][^<>]*>", re.DOTALL)
"""A declaration ends at the next bracket of either kind; otherwise a row of unterminated ones would be scanned
again from each of them."""
_NOT_SPOKEN: Final = ("script", "style", "template", "svg", "head", "noscript")
_BREAK: Final = "\u2029"
_AS_A_NARRATOR: Final = Narration()
_BLOCKS: Final = (
    "p", "div", "li", "br", "dt", "dd", "summary", "blockquote", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6"
)  # fmt: skip
Element: TypeAlias = lxml_html.HtmlElement


def _outermost(root: Element, tags: tuple[str, ...]) -> Iterator[Element]:
    """The elements with these tags that are not inside another of them."""
    inside: set[Element] = set()
    for element in root.iter():
        if element.getparent() in inside:
            inside.add(element)
        elif element.tag in tags:
            inside.add(element)
            yield element


def words_of_html(markup: str, narration: Narration = _AS_A_NARRATOR) -> list[tuple[str, tuple[str, str] | None]]:
    """The words of a piece of HTML by paragraph; or what is left out, with kind and reason."""
    markup = _COMMENT.sub("", without_programs(for_xml(markup)))
    if not markup.strip():
        return []
    root = lxml_html.fragment_fromstring(markup, create_parent="div")
    found: list[tuple[str, tuple[str, str] | None]] = []
    kinds: tuple[tuple[str, str, tuple[str, ...], Kind | None], ...] = (
        ("raw", RAW, _NOT_SPOKEN, None),
        ("code", CODE, ("pre",), "code"),
        ("table", TABLE, ("table",), "tables"),
    )
    for kind, reason, tags, choice in kinds:
        outermost = list(_outermost(root, tags))
        if choice is not None and narration.reads(choice):
            for element in outermost:
                _line_by_line(element)
            continue
        found += [(words, (kind, reason)) for each in outermost if (words := _words(each))]
        take_out(outermost)
    pictured = {above for image in root.iter("img") for above in image.iterancestors()}
    for image in root.iter("img"):
        alt = image.get("alt") or ""
        if alt.strip() and narration.reads("alt_texts"):
            image.tail = f" {alt} {image.tail or ''}"
        else:
            found.append((alt, ("image", IMAGE)))
    if not narration.reads("captions"):
        captions = [element for element in _outermost(root, ("figcaption",)) if element.getparent() in pictured]
        found += [(_words(element), ("caption", CAPTION)) for element in captions]
        take_out(captions)
    for element in root.iter(*_BLOCKS):
        element.tail = _BREAK + (element.tail or "")
        element.text = _BREAK + (element.text or "") if element.tag != "br" else element.text
    texts = (" ".join(part.split()) for part in str(root.text_content()).split(_BREAK))
    return [*found, *((text, None) for text in texts if text)]


def _words(element: Element) -> str:
    return " ".join(str(element.text_content()).split())


def _line_by_line(element: Element) -> None:
    """Put the lines of code, or the rows of a table, in the place of an element's content."""
    if element.tag == "pre":
        lines = str(element.text_content()).splitlines()
    else:
        names: list[str] = []
        lines = []
        for row in element.iter("tr"):
            cells = [_words(cell) for cell in row if cell.tag in {"td", "th"}]
            if not names and not lines and all(cell.tag == "th" for cell in row if cell.tag in {"td", "th"}):
                names = cells
            else:
                lines.append(tables.row_of(names, cells))
    for child in list(element):
        element.remove(child)
    element.text = _BREAK + _BREAK.join(lines) + _BREAK
