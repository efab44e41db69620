"""The markup of older Kindle books as XHTML: tag soup, with headings of large letters and quotations for indents."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree
from lxml.html import HtmlElement

from services.chunker.documents import tag_soup
from services.chunker.documents.books.markup import all_in, attribute, parsed, words

_HEADING_LIMIT_CHARACTERS: Final = 200
_SIZES: Final = {"7": "h1", "6": "h2", "5": "h3", "+4": "h1", "+3": "h2", "+2": "h3"}
"""Size of letters \u2192 heading; 3 is that of text."""
_BLOCKS: Final = ("p", "div", "center")
_INSIDE: Final = re.compile(r"p\d{1,9}\.xhtml")
_EMPTY: Final = "<html><head><title/></head><body/></html>"


def as_xhtml(page: str) -> str:
    """A page as XHTML. What is nothing but large letters is a heading, and a quotation is only an indent."""
    root = tag_soup.parsed(page)
    if root is None:
        return _EMPTY
    for element in root.iter("blockquote"):
        element.tag = "div"  # the only way to indent that Mobipocket had
    looked_at: set[HtmlElement] = set()  # only the first in each block: the words of a block are joined once
    for element in list(root.iter("font", "tt")):
        block = next(element.iterancestors(*_BLOCKS), None)
        if block is None or block in looked_at:
            continue
        looked_at.add(block)
        heading = _SIZES.get((element.get("size") or "").strip())
        if element.tag == "tt" and _is_all_of(block, element, limit_characters=None):
            block.tag = "pre"
        elif heading and _is_all_of(block, element):
            block.tag = heading
    return str(etree.tostring(root, encoding="unicode", method="xml"))


def is_only_links(page: str) -> bool:
    """Whether a page is nothing but links to others, and so a table of contents."""
    root = parsed(page)
    body = next(iter(all_in(root, "body")), None) if root is not None else None
    if body is None:
        return False
    links = [words(link) for link in all_in(body, "a") if _INSIDE.match(attribute(link, "href"))]
    return any(links) and len("".join("".join(links).split())) == len("".join(words(body).split()))


def _is_all_of(
    block: HtmlElement, inside: HtmlElement, *, limit_characters: int | None = _HEADING_LIMIT_CHARACTERS
) -> bool:
    """Whether a block has no other words than an element inside it, and few."""
    if next(block.iterdescendants(*_BLOCKS), None) is not None:
        return False
    words = "".join(map(str, inside.itertext())).split()
    length = sum(map(len, words))
    return 0 < length <= (limit_characters or length) and "".join(map(str, block.itertext())).split() == words
