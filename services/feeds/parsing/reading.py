"""Reads what is at a feed's address: JSON Feed, RSS, Atom, or a page that names feeds. Runs in a worker process."""

from __future__ import annotations

from services.feeds.parsing import json_feed, page_links, syndication
from services.feeds.parsing.parsed import PageLinks, ParsedFeed
from shared.errors import BadSource


def load() -> None:
    """Nothing: to call it loads what reading needs into a worker process."""


def read(data: bytes, *, content_type: str, url: str) -> ParsedFeed | PageLinks:
    """Read it.

    Args:
        data: the document.
        content_type: as the server sent it; "" if it did not.
        url: where it is from.

    Raises:
        BadSource: it is neither a feed nor a page that names one.
    """
    if not data.strip():
        raise BadSource("There is nothing at the feed's address.", hint="Open the address in a browser.")
    try:
        found = json_feed.read(data, url=url) or syndication.read(data, content_type=content_type, url=url)
    except (MemoryError, RecursionError, BadSource):
        raise
    except Exception as error:  # what a stranger's document does to a parser is the document's fault
        raise BadSource(
            f"The feed cannot be parsed: {type(error).__name__}.", hint="Open it in a validator for feeds."
        ) from error
    if found is not None and (found.items or found.kind != "unknown"):
        return found
    links = page_links.read(data, url=url)
    if not links.feeds:
        raise BadSource(
            "What is at the feed's address is no feed, and a page that names none.",
            hint="Look in the page for a link to its feed, and give that.",
        )
    return links
