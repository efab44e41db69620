"""OPML: lists of feeds, as feed readers exchange them (http://opml.org/spec2.opml)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lxml import etree

from shared.client.feeds.stored import FEEDS_LIMIT
from shared.errors import BadInput, BadSource, TooLarge
from shared.text import one_line

MEDIA_TYPE: Final = "text/x-opml; charset=utf-8"
LIMIT_BYTES: Final = 5_000_000
_TITLE_CHARACTERS: Final = 500


@dataclass(frozen=True)
class ListedFeed:
    """A feed in a list.

    Attributes:
        url: its address, unchecked.
        title: as the list calls it; "" if it does not.
    """

    url: str
    title: str


def read(data: bytes) -> list[ListedFeed]:
    """The feeds of a list, each address once, in order.

    Raises:
        BadSource: it is no OPML.
        TooLarge: it is over the limits.
    """
    if len(data) > LIMIT_BYTES:
        raise TooLarge(f"The list is over {LIMIT_BYTES / 1e6:g} MB.", hint="Split it.")
    # Entities stay as they are and no other file is read; lxml's own limits bound depth and size.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or etree.QName(root).localname.lower() != "opml":
        raise BadSource("This is not an OPML file.", hint="Feed readers export one as “OPML” or “subscriptions”.")
    found: dict[str, ListedFeed] = {}
    for element in root.iter("{*}outline"):
        names = {str(name).lower(): str(value) for name, value in element.attrib.items()}
        url = names.get("xmlurl", "").strip()
        if url:
            title = one_line(names.get("title") or names.get("text") or "").strip()[:_TITLE_CHARACTERS]
            found.setdefault(url, ListedFeed(url, title))
    if len(found) > FEEDS_LIMIT:
        raise TooLarge(f"The list has {len(found):,} feeds; {FEEDS_LIMIT:,} are the limit.", hint="Split it.")
    return list(found.values())


def written(feeds: Iterable[ListedFeed], *, title: str) -> bytes:
    """A list of feeds.

    Raises:
        BadInput: XML cannot hold a title or an address.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    body = etree.SubElement(root, "body")
    try:
        etree.SubElement(head, "title").text = title
        for feed in feeds:
            shown = feed.title or feed.url
            etree.SubElement(body, "outline", type="rss", text=shown, title=shown, xmlUrl=feed.url)
    except ValueError as error:
        raise BadInput("A feed has a title or an address that XML cannot hold.", hint="Edit its title.") from error
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)
