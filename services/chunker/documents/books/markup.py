"""XML and XHTML as books have them: in any encoding, with entities that nobody declared, half broken."""

from __future__ import annotations

import html.entities
import re
from itertools import islice
from typing import Final

from lxml import etree

from services.chunker.documents.decoding import decode, for_xml

_WORDS_AT_TARGET_CHARACTERS: Final = 60
"""Enough of the text after a target to find its paragraph again."""
_TEXTS_LIMIT: Final = 200
"""How far after a target its words are searched for."""

_HEAD_CHARACTERS: Final = 100_000
_DECLARATION: Final = re.compile(r"\s*<\?xml[^>]{0,300}\?>")
_DOCTYPE: Final = re.compile(r"<!DOCTYPE\b[^<>\[\]]*", re.IGNORECASE)
_ENTITY: Final = re.compile(
    r"""<!ENTITY\s{1,9}([A-Za-z_][\w.-]{0,63})\s{1,9}(?:"([^"<&%]{0,1000})"|'([^'<&%]{0,1000})')\s{0,9}>"""
)
_REFERENCE: Final = re.compile(r"&([A-Za-z_][\w.-]{0,63});")
_CODE_PARAGRAPH: Final = re.compile(
    r"""<p((?:\s{1,9}[\w:-]{1,40}="[^"<>]{0,200}"){0,9}?\s{1,9}class="(?:code|programlisting|verbatim)"[^<>]{0,300})>"""
)
_CALIBRE: Final = re.compile(r"""<body\s[^<>]{0,300}?\bclass=["']calibre""")
_CLASS: Final = re.compile(r"""\sclass="[^"<>]{0,300}"(?=[^<>]{0,2000}>)""")
_LINE_END: Final = re.compile(r"\s{0,99}<br\s{0,9}/?>")
_OF_XML: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
_GROWTH_LIMIT_CHARACTERS: Final = 1_000_000
"""How much longer a book's own entities may make a page."""


def text_of(data: bytes) -> str:
    """A file as text, without XML declaration and DTD, with its entities replaced.

    Raises:
        BadSource: it is not text.
    """
    text = _DECLARATION.sub("", for_xml(decode(data)), count=1)
    text, own = _without_dtd(text)
    left = _GROWTH_LIMIT_CHARACTERS

    def said(reference: re.Match[str]) -> str:
        nonlocal left
        name = reference[1]
        if name in own and left > 0:
            left -= len(own[name])
            return own[name]
        if name in _OF_XML:
            return reference[0]
        known = html.entities.html5.get(f"{name};", "")
        # One that stands for a sign of the markup stays a reference.
        return known if known and known not in "<>&" else f"&amp;{name};" if not known else reference[0]

    return _REFERENCE.sub(said, text)


def without_merged_classes(page: str) -> str:
    """A page without the classes that calibre gave it: it merges those that look alike, and a text is called `toc`."""
    return _CLASS.sub(" ", page) if _CALIBRE.search(page[:_HEAD_CHARACTERS]) else page


def with_code_marked(page: str) -> str:
    """A page whose paragraphs of the class `code` are preformatted text, which pandoc recognises."""
    parts = []
    at = 0
    while (begin := _CODE_PARAGRAPH.search(page, at)) is not None:
        end = page.find("</p>", begin.end())
        if end < 0:
            break
        inside = _LINE_END.sub("\n", page[begin.end() : end].replace("\n", " "))
        parts += [page[at : begin.start()], "<pre", begin[1], ">", inside, "</pre>"]
        at = end + len("</p>")
    return "".join((*parts, page[at:]))


def _without_dtd(text: str) -> tuple[str, dict[str, str]]:
    """The text without its DOCTYPE, and the entities declared in it; only plain ones, so that none contains another."""
    head = text[:_HEAD_CHARACTERS]
    begin = _DOCTYPE.search(head)
    if begin is None:
        return text, {}
    end = begin.end()
    own: dict[str, str] = {}
    if text[end : end + 1] == "[":
        close = text.find("]", end)
        subset = text[end : close if close >= 0 else len(head)][:_HEAD_CHARACTERS]
        own = {found[1]: found[2] or found[3] or "" for found in _ENTITY.finditer(subset)}
        end = close + 1 if close >= 0 else end + len(subset)
    close = text.find(">", end, end + _HEAD_CHARACTERS)
    return text[: begin.start()] + text[close + 1 if close >= 0 else end :], own


def parsed(text: str) -> etree._Element | None:
    """The root element of a text, read as far as possible; None if there is none."""
    # No DTD, no entities, no network: the book is untrusted.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False, remove_comments=True
    )
    try:
        root: etree._Element | None = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return root


def name_of(element: etree._Element) -> str:
    """Its name without namespace, in lower case."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def attribute(element: etree._Element, wanted: str) -> str:
    """An attribute, whatever its namespace and case; "" if there is none."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2].lower() == wanted:
            return str(value).strip()
    return ""


def all_in(root: etree._Element, name: str) -> list[etree._Element]:
    """All elements of this name below and including `root`, in document order."""
    return [element for element in root.iter() if name_of(element) == name]


def words(element: etree._Element) -> str:
    """All words inside."""
    return " ".join("".join(str(text) for text in element.itertext()).split())


def first_words(element: etree._Element) -> str:
    """The first words inside, enough to identify a paragraph; a long one is not walked to its end."""
    found = ""
    for text in islice(element.itertext(), _TEXTS_LIMIT):
        found += f" {' '.join(str(text)[: 10 * _WORDS_AT_TARGET_CHARACTERS].split())}" if str(text).strip() else ""
        if len(found) > _WORDS_AT_TARGET_CHARACTERS:
            break
    return found.strip()[:_WORDS_AT_TARGET_CHARACTERS]


def kinds_of(element: etree._Element) -> set[str]:
    """The values of `epub:type` and `role`, without the prefix of ARIA."""
    values = (value for key, value in element.attrib.items() if str(key).rpartition("}")[2] in {"type", "role"})
    return {kind.removeprefix("doc-").lower() for value in values for kind in str(value).split()}
