"""What is read of an item: its own text, or the article on its page, whichever has more to read."""

from __future__ import annotations

import html
import re
import time
from dataclasses import dataclass
from typing import Final

from services.feeds.fetching import AGENT, Parsers
from services.feeds.parsing.parsed import ParsedItem
from shared.checked_network import Resolve, resolve
from shared.client.feeds.model import FeedRules
from shared.errors import BadInput, Transient
from shared.fetching.fetching import Fetched, fetch
from shared.settings import Settings
from shared.tracing import http_calls

SHORTEST_TEXT_CHARACTERS: Final = 200
"""Less than this is a teaser, or nothing: then the page is read, and if that fails the job says why."""
_PAGE_IS_LONGER: Final = 1.2
"""What is found in a page has captions and the like; the item's own text is clean, so it counts if it is about as long.
"""
_LEAST_SECONDS: Final = 1.0
_PAGES: Final = ("text/html", "application/xhtml+xml", "")


@dataclass(frozen=True, slots=True)
class Text:
    """What a job is made of.

    Attributes:
        markup: HTML; None: the page is read by the job itself, which fails with the reason if that cannot be done.
        characters: what can be read in it, as far as is known.
    """

    markup: bytes | None
    characters: int


async def chosen(
    item: ParsedItem,
    rules: FeedRules,
    settings: Settings,
    parsers: Parsers,
    *,
    until: float,
    resolve: Resolve = resolve,
) -> Text:
    """What is read of an item.

    Args:
        item: the item.
        rules: of its feed.
        settings: limits, and what may be fetched.
        parsers: how many pages are read at a time.
        until: monotonic time after which no page is fetched any more.
        resolve: returns the addresses of a host.
    """
    own = Text(page_of(item).encode(), item.characters)
    if rules.text == "item" or not item.link:
        return own
    if rules.text == "page":
        return Text(None, 0) if (page := await _page(item, settings, parsers, until, resolve)) is None else page
    page = await _page(item, settings, parsers, until, resolve)
    if page is not None and page.characters > max(item.characters * _PAGE_IS_LONGER, SHORTEST_TEXT_CHARACTERS):
        return page
    if item.characters >= SHORTEST_TEXT_CHARACTERS or (page is not None and item.characters > 0):
        return own
    return Text(None, 0)


def page_of(item: ParsedItem) -> str:
    """An item as a page of its own: its title as the heading, then its text."""
    title = html.escape(item.title)
    heading = f"<h1>{title}</h1>" if title else ""
    language = f' lang="{html.escape(item.language)}"' if item.language else ""
    return (
        f"<!DOCTYPE html><html{language}><head><meta charset='utf-8'><title>{title}</title></head>"
        f"<body><article>{heading}{item.html}</article></body></html>"
    )


async def _page(item: ParsedItem, settings: Settings, parsers: Parsers, until: float, resolve: Resolve) -> Text | None:
    """The article on the item's page; None if it cannot be had now, or is no page."""
    seconds = min(settings.feed_fetch_deadline_seconds, until - time.monotonic())
    if seconds < _LEAST_SECONDS:
        return None
    try:
        with http_calls.calling("GET", item.link):
            fetched = await fetch(
                item.link,
                limit_bytes=settings.feed_limit_bytes,
                deadline_seconds=seconds,
                connect_timeout_seconds=settings.connect_timeout_seconds,
                allowed=settings.fetch_allowed,
                resolve=resolve,
                headers={"User-Agent": AGENT},
            )
        if _kind(fetched) not in _PAGES:
            return None
        characters = await parsers.article_characters(fetched.data)
    except (BadInput, Transient):
        # Not swallowed: if the item has no text of its own, the job reads the page, retries, and says what is wrong.
        return None
    return Text(_with_charset(fetched), characters)


def _kind(fetched: Fetched) -> str:
    return fetched.content_type.split(";")[0].strip().lower()


def _with_charset(fetched: Fetched) -> bytes:
    """The page in a form that says its own character set: the job has no header that would."""
    named = re.search(r"charset=[\"']?([\w.:-]+)", fetched.content_type, re.IGNORECASE)
    if named is None:
        return fetched.data
    try:
        text = fetched.data.decode(named[1], "replace")
    except (LookupError, ValueError):
        return fetched.data
    return text.encode("utf-8-sig", "replace")  # a byte order mark counts before what the page says
