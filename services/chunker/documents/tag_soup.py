"""HTML as people write it, parsed as far as possible."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from services.chunker.documents.decoding import for_xml


def parsed(page: str) -> HtmlElement | None:
    """A page as a tree, in which all is closed; None if there is no element in it."""
    parser = lxml_html.HTMLParser(encoding="utf-8")
    try:
        return lxml_html.document_fromstring(for_xml(page).encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError):
        return None


_PROGRAM: Final = re.compile(r"<(?:\?(?:php\b|=)|%)", re.IGNORECASE)


def without_programs(page: str) -> str:
    """A page without the programs in it that a server should have run (`<?php … ?>`, `<% … %>`).

    To a parser they end at the first `>`, and what follows would be text. One that has no end stays.
    """
    kept: list[str] = []
    at = 0
    unclosed: set[str] = set()
    while begin := _PROGRAM.search(page, at):
        closing = f"{begin[0][1]}>"
        end = -1 if closing in unclosed else page.find(closing, begin.end())
        if end < 0:
            unclosed.add(closing)
            kept.append(page[at : begin.end()])
            at = begin.end()
            continue
        kept.append(page[at : begin.start()])
        at = end + len(closing)
    return "".join((*kept, page[at:]))
