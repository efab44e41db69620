"""The pages of a book as a few of HTML, for pandoc: its reader of EPUBs takes twice the time for the same text.

Anchors and links get the name of their page, as that reader gives it to them: `#note` in `ch1.html` is `ch1.html_note`.
"""

from __future__ import annotations

import html
import re
from typing import Any, Final

from lxml import etree

from services.chunker.documents import tag_soup
from services.chunker.documents.books.markup import name_of

_PART_CHARACTERS: Final = 1_000_000
"""Of 3 million at once pandoc needs 800 MB, of one 280."""
_TAG: Final = re.compile(r"<[A-Za-z][^<>]*>")
_ATTRIBUTE: Final = re.compile(r"""(\s)(id|href|name)\s{0,9}=\s{0,9}(?:"([^"<>]*)"|'([^'<>]*)')""")
_MAIN: Final = re.compile(r"""<(?:\w{1,20}:)?main\b|\brole\s{0,9}=\s{0,9}["']main["']""", re.IGNORECASE)
_BODY: Final = re.compile(r"<(?:\w{1,20}:)?body\b[^<>]*>", re.IGNORECASE)
_BODY_END: Final = re.compile(r"</(?:\w{1,20}:)?body\s*>", re.IGNORECASE)


def joined(pages: dict[str, str]) -> tuple[str, ...]:
    """The pages, each in an element that has its name: as one, or as several where that would be too long.

    Args:
        pages: name → text, in reading order.
    """
    parts: list[list[str]] = [[]]
    size = 0
    for name, page in pages.items():
        body = _body(_well_formed(page))
        size += len(body)
        if size > _PART_CHARACTERS and parts[-1]:
            parts.append([])
            size = len(body)
        parts[-1].append(f'<div id="{html.escape(name)}">{_named(body, name, pages)}</div>\n')
    return tuple(map("".join, parts))


def _well_formed(page: str) -> str:
    """A page in which every element is closed, so that none reaches into the next one; its main part, if it has one."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(page.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = tag_soup.parsed(page)
        if root is None:
            return ""
        page = str(etree.tostring(root, encoding="unicode", method="xml"))
    if not _MAIN.search(page):
        return page
    return _together(_mains(root)) or page


def _mains(root: etree._Element) -> list[etree._Element]:
    """The outermost main parts."""
    inside: set[etree._Element] = set()
    found = []
    for element in root.iter():
        is_main = name_of(element) == "main" or (name_of(element) and element.get("role") == "main")
        if element.getparent() in inside:
            inside.add(element)
        elif is_main:
            inside.add(element)
            found.append(element)
    return found


def _together(mains: list[etree._Element]) -> str:
    """Main parts without their marks: pandoc would read nothing else, of all pages together.

    They are moved into an element of their own and written at once: each by itself would be written with every
    namespace of the page.
    """
    if not mains:
        return ""
    space = etree.QName(mains[0]).namespace
    spaces: Any = {None: space}  # the stubs of lxml know only prefixes that have a name
    around = etree.Element(f"{{{space}}}div", nsmap=spaces) if space else etree.Element("div")
    for main in mains:
        main.tail = None
        around.append(main)
    for element in around.iter():
        if name_of(element) == "main":
            element.tag = element.tag.rpartition("}")[0] + "}div" if "}" in element.tag else "div"
        if name_of(element) and element.get("role") == "main":
            del element.attrib["role"]
    return str(etree.tostring(around, encoding="unicode", method="xml"))


def _body(page: str) -> str:
    begin = _BODY.search(page)
    if begin is None:
        return page
    ends = [found.start() for found in _BODY_END.finditer(page, begin.end())]
    return page[begin.end() : ends[-1] if ends else len(page)]


def _named(body: str, name: str, pages: dict[str, str]) -> str:
    """The body with the name of its page in its anchors, and in links within the book."""

    def attribute(found: re.Match[str]) -> str:
        value = found[3] if found[3] is not None else found[4]
        if found[2] == "href":
            file, mark, fragment = value.partition("#")
            leads_out = ":" in file
            file = file.rpartition("/")[2]
            if leads_out or (file and file not in pages):
                return found[0]
            value = f"#{file or name}{'_' + fragment if fragment or (mark and not file) else ''}"
        else:
            value = f"{name}_{value}"
        return f'{found[1]}{found[2]}="{value.replace(chr(34), "&quot;")}"'

    return _TAG.sub(lambda tag: _ATTRIBUTE.sub(attribute, tag[0]), body)
