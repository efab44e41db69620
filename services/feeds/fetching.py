"""One poll of a feed's address: asked whether there is anything new, fetched and parsed within its limits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Final

from services.feeds.parsing import page_text, reading
from services.feeds.parsing.parsed import PageLinks, ParsedFeed
from shared.checked_network import Resolve, resolve
from shared.client.feeds.model import Feed
from shared.errors import BadSource, DeadlineExceeded, Transient
from shared.fetching.fetching import Fetched, fetch
from shared.settings import Settings
from shared.tracing import http_calls
from shared.workers.documents import in_worker

AGENT: Final = "podcast-engine/0.1 (reads a feed for its listeners)"
_ACCEPT: Final = (
    "application/atom+xml,application/rss+xml,application/feed+json,application/xml;q=0.9,text/xml;q=0.9,"
    "application/json;q=0.8,text/html;q=0.5,*/*;q=0.3"
)
PARSE_SECONDS: Final = 30.0
"""For the largest feed on a busy machine; its CPU time is bounded by its size (`shared.workers.allowances`)."""
PAGE_SECONDS: Final = 15.0
"""For the page of an item; of one that takes longer, the item's own text is read, or its job reads the page."""
SLOW_SECONDS: Final = 5.0
"""A hundred times what feeds take. One that takes longer waits for others of its kind the next time."""
_PARSED_AT_A_TIME: Final = 2
_VALIDATOR_LIMIT_CHARACTERS: Final = 1_000
"""A longer ETag is not worth its place in the store."""


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """What was at a feed's address.

    Attributes:
        parsed: the feed; None: it has not changed.
        url: where it is from now on: what it has moved to for good, or what the page at its address names.
        etag: for the next poll; "" if there is none.
        last_modified: the same.
        is_slow: it took long to parse.
    """

    parsed: ParsedFeed | None
    url: str
    etag: str = ""
    last_modified: str = ""
    is_slow: bool = False


class Parsers:
    """How many documents are parsed at a time: each in a process of its own, on a machine with few cores."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_PARSED_AT_A_TIME)
        self._turn_of_suspects = asyncio.Semaphore(1)

    async def parsed(self, fetched: Fetched, *, is_suspect: bool) -> tuple[ParsedFeed | PageLinks, float]:
        """What a document is, and how many seconds it took to read it.

        Args:
            fetched: the document.
            is_suspect: the last one from there could not be read; it waits for others of its kind alone.

        Raises:
            BadSource, TooLarge: it cannot be read.
            DeadlineExceeded: it takes too long.
        """
        async with self._turn_of_suspects if is_suspect else self._turn:
            began = time.monotonic()
            try:
                found = await in_worker(
                    "Reading the feed",
                    PARSE_SECONDS,
                    reading.read,
                    fetched.data,
                    content_type=fetched.content_type,
                    url=fetched.final_url,
                )
            except DeadlineExceeded as error:
                error.hint = (
                    "It nests or repeats something in a way that no parser copes with, or this machine is busy."
                )
                raise
            return found, time.monotonic() - began

    async def article_characters(self, page: bytes) -> int:
        """How much there is to read in the article on a page.

        Raises:
            BadSource, TooLarge: it cannot be read.
            DeadlineExceeded: it takes too long.
        """
        async with self._turn:
            return await in_worker("Finding the article in the page", PAGE_SECONDS, page_text.article_characters, page)


async def warm_up() -> None:
    """Start a worker before the first poll needs it."""
    with contextlib.suppress(Transient):
        await in_worker("Starting a worker", PARSE_SECONDS, reading.load)


async def poll(feed: Feed, settings: Settings, parsers: Parsers, *, resolve: Resolve = resolve) -> FoundFeed:
    """Look at a feed's address; if a page is there, at the feed that it names first.

    Raises:
        PageGone: its server says that it was removed for good.
        BadSource, TooLarge: there is no feed, or one that cannot be read.
        Transient: its server failed, or took too long; with its `Retry-After`.
    """
    fetched = await _fetched(feed.url, settings, known=feed, resolve=resolve)
    if fetched.is_unchanged:
        return FoundFeed(None, feed.url)
    url = _moved(feed, fetched)
    is_suspect = is_failing(feed) or feed.polling.is_slow
    parsed, seconds = await parsers.parsed(fetched, is_suspect=is_suspect)
    if isinstance(parsed, PageLinks):
        url = parsed.feeds[0]
        fetched = await _fetched(url, settings, resolve=resolve)
        parsed, seconds = await parsers.parsed(fetched, is_suspect=is_suspect)
    if isinstance(parsed, PageLinks):
        raise BadSource("The page at the feed's address names a feed that is a page again.", hint="Give the feed.")
    return FoundFeed(
        parsed, url, _validator(fetched.etag), _validator(fetched.last_modified), is_slow=seconds > SLOW_SECONDS
    )


def is_failing(feed: Feed) -> bool:
    """Whether its last poll failed, or did not end: then it gets few places, so that it holds up no other."""
    return bool(feed.polling.failures) or feed.polling.unfinished > 1


async def _fetched(url: str, settings: Settings, *, known: Feed | None = None, resolve: Resolve) -> Fetched:
    conditions: dict[str, str] = {}
    if known is not None and known.polling.etag:
        conditions["If-None-Match"] = known.polling.etag
    if known is not None and known.polling.last_modified:
        conditions["If-Modified-Since"] = known.polling.last_modified
    with http_calls.calling("GET", url):
        return await fetch(
            url,
            limit_bytes=settings.feed_limit_bytes,
            deadline_seconds=settings.feed_fetch_deadline_seconds,
            connect_timeout_seconds=settings.connect_timeout_seconds,
            allowed=settings.fetch_allowed,
            resolve=resolve,
            headers={"User-Agent": AGENT, "Accept": _ACCEPT, **conditions},
        )


def _moved(feed: Feed, fetched: Fetched) -> str:
    """Where the feed is from now on. With a password it stays, since a password belongs to its own host."""
    return fetched.moved_to if fetched.moved_to and "@" not in feed.url.split("/")[2] else feed.url


def _validator(header: str) -> str:
    return header if len(header) <= _VALIDATOR_LIMIT_CHARACTERS and header.isprintable() and header.isascii() else ""
