"""Puts a page's structure right for reading: tables for layout, doubled headings, languages of paragraphs."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree
from lxml.html import HtmlElement

from services.chunker.documents.pages.metadata import of_element
from services.chunker.documents.pages.segments import HEADINGS, key, words

_OF_LAYOUT: Final = ("table", "h1", "h2", "h3", "h4", "p", "ul", "ol", "dl", "blockquote", "pre", "div")
_CELL_CHARACTERS: Final = 600
"""A cell with more text is no cell of data."""
_LINES: Final = ("p", "div", "li", "span", "pre", "table", "img")
_LEVELS: Final = 3
_CAPTION_NAMES: Final = re.compile(
    r"(?:^|[-_ ])(?:wp-|image|img|photo|gallery|media|figure)?[-_]{0,2}caption(?:[-_](?:text|inner))?(?:[-_ ]|$)",
    re.IGNORECASE,
)
_ROW_PARTS: Final = frozenset({"tr", "td", "th", "tbody", "thead", "tfoot", "caption", "colgroup", "col"})
_SHORT_CHARACTERS: Final = 200
_TEXT_OF_FIGURES: Final = ("p", "blockquote", "pre", "table", "ul", "ol", "math", "h1", "h2", "h3", "h4")
"""A figure with one of these is more than a picture."""


def unwrap_layout(root: HtmlElement) -> None:
    """Make plain blocks of tables that only place text side by side: tables of data are left out, their text is not."""
    inner: set[HtmlElement] = set()
    for table in reversed(list(root.iter("table"))):  # from the inside out
        if not _is_layout(table):
            inner.add(table)
            continue
        for element in list(table.iter()):
            if element.tag in _ROW_PARTS and _table_of(element) is table:
                element.tag = "div"
        table.tag = "div"
        for attribute in ("border", "cellpadding", "cellspacing", "summary", "width", "role"):
            table.attrib.pop(attribute, None)


def unmark_main(root: HtmlElement) -> None:
    """Make plain blocks of main parts: pandoc reads the first one and nothing else, and some pages have several."""
    for element in root.iter("*"):
        if element.tag == "main":
            element.tag = "div"
        if element.get("role") == "main":
            del element.attrib["role"]


def _table_of(element: HtmlElement) -> HtmlElement | None:
    return next(element.iterancestors("table"), None)


def _is_layout(table: HtmlElement) -> bool:
    if (table.get("role") or "") in {"presentation", "none"}:
        return True
    rows = cells = 0
    for element in table.iter("tr", "td", "th", "caption"):
        if element.tag == "caption" or (element.tag == "th" and element.get("scope")):
            return False
        rows += element.tag == "tr"
        cells += element.tag != "tr"
    if not cells:
        return False
    blocks = sum(1 for _ in table.iter("p", "h1", "h2", "h3", "h4", "ul", "ol", "blockquote", "pre", "table"))
    longest = max(len(words(cell)) for cell in table.iter("td", "th")) if cells < _SHORT_CHARACTERS else 0
    if cells <= rows and longest > _CELL_CHARACTERS // 4:  # one column
        return next(table.iter("th"), None) is None
    if next(table.iter("th"), None) is not None and longest < 4 * _CELL_CHARACTERS:
        return False
    return longest > _CELL_CHARACTERS and (blocks > 1 or cells <= 4 or longest > 4 * _CELL_CHARACTERS)  # noqa: PLR2004 - menu, text, menu


def doubled_headings(root: HtmlElement) -> list[HtmlElement]:
    """Headings that repeat the heading before them, and lines that do, if nothing stands between."""
    doubled: list[HtmlElement] = []
    last = ""
    taken: set[HtmlElement] = set()
    for element in root.iter(*HEADINGS, *_LINES):
        if element in taken:
            continue
        text = _short_key(element)
        if text and text == last:
            doubled.append(element)
            taken.update(element.iter())
        elif element.tag in HEADINGS:
            last = text or last
            taken.update(element.iter())
        elif element.tag not in {"div", "span"} and text != "":
            last = ""
    return doubled


def _short_key(element: HtmlElement) -> str | None:
    """The key of its text; None if it is long."""
    parts, size = [], 0
    for text in element.itertext():
        parts.append(str(text))
        size += len(text.strip())
        if size > _SHORT_CHARACTERS:
            return None
    return key("".join(parts))


def mark_captions(root: HtmlElement) -> None:
    """Make a caption of what only a class calls one, next to a picture in a small block."""
    for element in list(root.iter("div", "p", "span", "small", "em")):
        if not _CAPTION_NAMES.search(element.get("class") or "") or _short_key(element) is None:
            continue
        around = element.getparent()
        for _ in range(_LEVELS):
            if around is None or around is root or around.tag in {"figcaption", "body"}:
                break
            if around.tag != "figure" and _short_key(around) is None:
                break
            if next(around.iter("img"), None) is not None:
                if around.tag in {"div", "span", "figure"} and next(around.iter("figcaption"), None) is None:
                    around.tag, element.tag = "figure", "figcaption"
                break
            around = around.getparent()


def join_captions(root: HtmlElement) -> None:
    """Put what stands beside a picture in its figure, such as who made it, into the caption."""
    for figure in list(root.iter("figure")):
        if _short_key(figure) is None or next(figure.iter(*_TEXT_OF_FIGURES), None) is not None:
            continue
        caption = next(figure.iter("figcaption"), None)
        if caption is None or next(figure.iter("img"), None) is None:
            continue
        inside = set(caption.iter())
        beside: list[str] = []
        for element in figure.iter("*"):
            if element not in inside:
                beside.append(element.text or "")
                element.text = None
            if element is not figure and (element is caption or element not in inside):
                beside.append(element.tail or "")
                element.tail = None
        if words_beside := " ".join(" ".join(beside).split()):
            caption.text = f"{words_beside} {caption.text or ''}"


def mark_languages(root: HtmlElement) -> None:
    """Put a block around each block in another language: pandoc keeps the language of a `<div>`, not of a `<p>`."""
    for element in list(root.iter("p", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "td", "dd", "dt")):
        language = of_element(element)
        parent = element.getparent()
        if not language or parent is None or element.tag in {"li", "td", "dd", "dt"}:
            continue
        around = etree.Element("div", {"lang": language})
        around.tail, element.tail = element.tail, None
        parent.replace(element, around)
        around.append(element)
