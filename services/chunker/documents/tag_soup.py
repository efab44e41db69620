"""HTML as people write it, parsed as far as possible."""

from __future__ import annotations

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
