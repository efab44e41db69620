"""Looks which feeds are due, and has each polled with a message of its own. Publishes feed.poll.

Every process of the service does this. Before it publishes, it notes the request in the feed's object, over the version
that it has read, so of several processes one asks; and a feed whose polls never end, because it kills who polls it, is
asked for after ever longer pauses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from services.feeds import timing
from shared.client.feeds import stored
from shared.client.feeds.model import Feed
from shared.client.feeds.stored import UnreadableFeed
from shared.concurrency import gathered
from shared.errors import BadInput, NotFound, Outage
from shared.protocol.messages import FeedPollRequested
from shared.settings import Settings
from shared.store import keys, listing
from shared.store.port import Entry, Store

log = structlog.get_logger(__name__)

_AT_A_TIME: Final = 16


class Schedule:
    """The feeds of a store, and when each is due.

    Args:
        store: the store.
        settings: how often to look.
        publish: publishes a request.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        publish: Callable[[FeedPollRequested], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._known: dict[str, tuple[Entry, Feed | None]] = {}

    async def keep(self) -> None:
        """Look for ever, also while the store or the broker is down."""
        while True:
            try:
                await self.look()
            except Outage as error:
                log.warning("feeds cannot be looked at", reason=str(error))
            await asyncio.sleep(self._settings.feed_look_seconds)

    async def look(self) -> list[str]:
        """Ask for a poll of every feed that is due; returns the ids of those that were asked for here.

        Raises:
            StoreDown, BrokerDown: a server does not answer; what was noted and not published is due again later.
        """
        entries = await listing.entries(self._store, keys.FEEDS)
        await gathered(self._read, [entry for entry in entries if self._is_news(entry)], at_a_time=_AT_A_TIME)
        there = {entry.key for entry in entries}
        self._known = {key: known for key, known in self._known.items() if key in there}
        now = self._clock()
        due = [feed for _, feed in self._known.values() if feed is not None and self._is_due(feed, now)]
        due.sort(key=lambda feed: feed.polling.next_poll_at)
        asked = await gathered(self._ask, due, at_a_time=_AT_A_TIME)
        return [feed.feed_id for feed, was_ours in zip(due, asked, strict=True) if was_ours]

    def _is_news(self, entry: Entry) -> bool:
        known = self._known.get(entry.key)
        return known is None or not entry.tag or known[0] != entry

    async def _read(self, entry: Entry) -> None:
        feed_id = entry.key.removeprefix(keys.FEEDS).removesuffix(".json")
        try:
            self._known[entry.key] = entry, await stored.find(self._store, feed_id)
        except (NotFound, UnreadableFeed, BadInput) as error:
            log.warning("a feed is left out", reason=str(error))
            self._known[entry.key] = entry, None

    @staticmethod
    def _is_due(feed: Feed, now: float) -> bool:
        return feed.is_polled and feed.polling.next_poll_at <= now

    async def _ask(self, known: Feed) -> bool:
        """Note the request and publish it, unless another process has."""
        now = self._clock()
        due_at = known.polling.next_poll_at or known.polling.requested_at or known.created_at
        is_ours = False

        def requested(feed: Feed) -> Feed:
            nonlocal is_ours
            is_ours = self._is_due(feed, now)
            if not is_ours:
                return feed
            polling = feed.polling
            pause = timing.lease(polling.unfinished, handler_seconds=self._settings.feeds_deadline_seconds)
            update = {"requested_at": now, "next_poll_at": now + pause, "unfinished": polling.unfinished + 1}
            return feed.model_copy(update={"polling": polling.model_copy(update=update)})

        try:
            await stored.change(self._store, known.feed_id, requested)
        except (NotFound, UnreadableFeed):
            return False
        if is_ours:
            await self._publish(FeedPollRequested(feed_id=known.feed_id, due_at=due_at, requested_at=now))
        return is_ours
