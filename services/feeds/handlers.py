"""`feed.poll` in; one `job.submitted` for each new item of that feed out, or for a digest of several.

What is wrong with a feed is noted in the feed, and is no failure of the message: the schedule tries again, after ever
longer pauses.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from services.feeds import digests, fetching, metrics
from services.feeds.digests import DigestMaker
from services.feeds.fetching import FoundFeed, Parsers
from services.feeds.poll_turns import PollTurns
from services.feeds.results import PollResult, left_today
from services.feeds.taking import Taken, Taker
from shared.checked_network import Resolve, resolve
from shared.client.feeds import stored
from shared.client.feeds.model import PENDING_LIMIT, Feed
from shared.errors import BadInput, NotFound, Outage, Permanent, Transient
from shared.protocol.messages import FeedPollRequested, Message
from shared.settings import Settings
from shared.store.port import Store

log = structlog.get_logger(__name__)

_SHARE_FOR_PAGES: Final = 0.4
"""Of the handler's time; a page that is not fetched by then is read by its job."""


@dataclass(frozen=True)
class Poller:
    """What a poll needs.

    Attributes:
        store: the store.
        settings: limits, and what may be fetched.
        publish: publishes a job.
        turns: how many feeds are polled at a time.
        parsers: how many documents are parsed at a time.
        resolve: returns the addresses of a host.
    """

    store: Store
    settings: Settings
    publish: Callable[[Message], Awaitable[None]]
    turns: PollTurns
    parsers: Parsers = field(default_factory=Parsers)
    resolve: Resolve = resolve

    async def poll(self, message: FeedPollRequested) -> None:
        """Poll a feed once. If it was removed or paused meanwhile, or was polled since, there is nothing to do.

        Raises:
            HostBusy: enough feeds of its host, or of those that fail, are being polled; the message waits.
            UnreadableFeed: what the store has of it is no feed.
            StoreDown, BrokerDown: a server does not answer.
        """
        try:
            feed = await stored.find(self.store, message.feed_id)
        except NotFound:
            return
        polled_at = feed.polling.polled_at
        if not feed.is_polled:
            return
        if not message.by_hand and polled_at is not None and polled_at >= message.requested_at:
            return
        result = PollResult(began=time.time())
        if not message.by_hand:
            metrics.LATE_SECONDS.observe(max(0.0, result.began - message.due_at))
        until = time.monotonic() + self.settings.feeds_deadline_seconds * _SHARE_FOR_PAGES
        try:
            result.found = await self._look(feed)
            await self._take(feed, result, until)
        except Outage:
            raise
        except (BadInput, Permanent, Transient) as error:
            result.error = error
            log.info("poll failed", feed=feed.feed_id, reason=error.message)
        feed = _with_collected(feed, result.taken)
        try:
            if digests.is_due(feed, now=result.began):
                maker = DigestMaker(self.store, self.settings, self.publish)
                result.made = await maker.make(feed, now=result.began)
        except (BadInput, Permanent) as error:
            result.error = error
        try:
            await stored.change(self.store, feed.feed_id, lambda one: result.applied(one, self.settings))
        except NotFound:
            return

    async def _look(self, feed: Feed) -> FoundFeed:
        """Fetch and parse it, when it is its turn."""
        with metrics.measured() as measurement:
            async with self.turns.of(feed):
                found = await fetching.poll(feed, self.settings, self.parsers, resolve=self.resolve)
            measurement.outcome = "unchanged" if found.parsed is None else "changed"
            return found

    async def _take(self, feed: Feed, result: PollResult, until: float) -> None:
        if result.found is None or result.found.parsed is None:
            return
        named = feed if feed.title else feed.model_copy(update={"title": result.found.parsed.title})
        taker = Taker(self.store, self.settings, self.publish, self.parsers, until, self.resolve)
        limit = min(self.settings.feed_new_items_per_poll, left_today(feed, self.settings, result.began))
        if feed.rules.digest is not None:
            limit = min(limit, PENDING_LIMIT - len(feed.polling.pending))
        result.taken = await taker.take(named, result.found.parsed, limit=limit)


def _with_collected(feed: Feed, taken: Taken) -> Feed:
    """The feed with what this poll has collected."""
    if not taken.collected:
        return feed
    pending = tuple(dict.fromkeys((*feed.polling.pending, *taken.collected)))[-PENDING_LIMIT:]
    return feed.model_copy(update={"polling": feed.polling.model_copy(update={"pending": pending})})
