"""Feed autodiscovery: the feeds that a page names in `<link rel="alternate">`. CPU-bound: for a worker."""

from __future__ import annotations

from typing import Final

from lxml import etree
from lxml import html as lxml_html

from services.feeds.parsing import plain
from services.feeds.parsing.parsed import PageLinks

_TYPES: Final = (
    "application/atom+xml",
    "application/rss+xml",
    "application/feed+json",
    "application/json",
    "application/xml",
    "text/xml",
)
"""In the order of how much they tell of an item: Atom and RSS with everything, then what need not be a feed."""
_FOUND_LIMIT: Final = 20
_OTHERS: Final = ("comment", "replies")
"""A blog names the feed of a post's comments, too."""


def read(data: bytes, *, url: str) -> PageLinks:
    """The feeds that a page names.

    Args:
        data: the page.
        url: where it is from, for relative addresses.
    """
    try:
        root = lxml_html.document_fromstring(data)
    except (etree.ParserError, ValueError):
        return PageLinks(())
    base = next((plain.address(element.get("href"), url) for element in root.iter("base")), "") or url
    found: list[tuple[bool, int, int, str]] = []
    for number, element in enumerate(root.iter("link", "a")):
        relations = (element.get("rel") or "").lower().split()
        kind = (element.get("type") or "").split(";")[0].strip().lower()
        address = plain.address(element.get("href"), base)
        if "alternate" not in relations or kind not in _TYPES or not address:
            continue
        name = f"{element.get('title') or ''} {address}".lower()
        found.append((any(other in name for other in _OTHERS), min(_TYPES.index(kind), 2), number, address))
    return PageLinks(tuple(dict.fromkeys(address for *_, address in sorted(found)))[:_FOUND_LIMIT])
