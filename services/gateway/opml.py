"""A list of feeds as OPML 2.0, which every podcast client imports. Pure. Source: http://opml.org/spec2.opml."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from services.gateway.show_notes import plain

MEDIA_TYPE: Final = "text/x-opml; charset=utf-8"


def document(feeds: Iterable[tuple[str, str]], *, title: str = "Podcast Engine") -> bytes:
    """The document.

    Args:
        feeds: title and address of each.
        title: of the list.
    """
    opml = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(opml, "head"), "title").text = title
    body = etree.SubElement(opml, "body")
    for name, address in feeds:
        etree.SubElement(body, "outline", type="rss", text=plain(name), title=plain(name), xmlUrl=address)
    return bytes(etree.tostring(opml, xml_declaration=True, encoding="UTF-8", pretty_print=True))
