"""Takes the new items of a feed: each becomes a job, or a part of the digest, or is left out, exactly once.

An item's record is created, with the id of its job, before the job is handed over, and is marked as done afterwards.
Whoever finds a record that is not done, after a crash at any point or beside another poller, does the rest with the
same id; handing over the same job twice makes it once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from services.feeds import filters, full_text, item_jobs, item_records, metrics
from services.feeds.fetching import Parsers
from services.feeds.item_records import Claimed
from services.feeds.parsing.parsed import ParsedFeed, ParsedItem
from shared.checked_network import Resolve, resolve
from shared.client.feeds.model import Feed, RecentItem
from shared.errors import BadInput
from shared.protocol.messages import Message, new_job_id
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

_NOTHING: Final = "It has neither a text nor a page."


@dataclass
class Taken:
    """What became of the new items of one poll.

    Attributes:
        recent: the new ones, oldest first.
        collected: digests of items that wait for the digest.
        jobs: how many jobs were made.
        left: how many new items are left for a later poll.
    """

    recent: list[RecentItem] = field(default_factory=list)
    collected: list[str] = field(default_factory=list)
    jobs: int = 0
    left: int = 0


@dataclass(frozen=True)
class Taker:
    """What taking an item needs.

    Attributes:
        store: the store.
        settings: limits, and what may be fetched.
        publish: publishes a job.
        parsers: how many pages are read at a time.
        until: monotonic time after which no page is fetched any more.
        resolve: returns the addresses of a host.
    """

    store: Store
    settings: Settings
    publish: Callable[[Message], Awaitable[None]]
    parsers: Parsers
    until: float
    resolve: Resolve = resolve

    async def take(self, feed: Feed, parsed: ParsedFeed, *, limit: int) -> Taken:
        """Take at most `limit` new items of a feed, the oldest first.

        Raises:
            BadInput: no job can be made of any item, such as when the show does not exist.
            StoreDown, BrokerDown: a server does not answer; doing it all again makes the same jobs.
        """
        taken = Taken()
        seen = frozenset(feed.polling.seen)
        fresh = [item for item in parsed.items if item.digest not in seen]
        if not fresh and feed.polling.has_begun:
            return taken
        newest = _newest_first(parsed.items)
        left_out = tuple(item.digest for item in newest[feed.rules.first_items :])
        skipped = await item_records.first_poll(self.store, feed.feed_id, None if feed.polling.has_begun else left_out)
        wanted = {item.digest for item in fresh} - skipped
        for item in reversed([one for one in newest if one.digest in wanted]):
            if len(taken.recent) >= limit:
                if await item_records.find(self.store, feed.feed_id, item.digest) is None:
                    taken.left += 1
                continue
            await self._one(feed, item, taken)
        return taken

    async def _one(self, feed: Feed, item: ParsedItem, taken: Taken) -> None:
        claimed = await item_records.find(self.store, feed.feed_id, item.digest) or await self._claim(feed, item)
        if not claimed.record.is_done:
            claimed = await self._finish(feed, item, claimed)
        record = claimed.record
        if record.outcome == "collected":
            taken.collected.append(item.digest)
        if not claimed.is_new:
            return  # it is known, or another poller has done it
        metrics.ITEMS.labels(record.outcome).inc()
        taken.jobs += record.outcome == "job"
        taken.recent.append(
            RecentItem(
                title=record.title,
                outcome=record.outcome,
                reason=record.reason,
                job_id=record.job_id,
                at=record.found_at,
            )
        )
        log.info("item", feed=feed.feed_id, outcome=record.outcome, job=record.job_id or "", reason=record.reason)

    async def _claim(self, feed: Feed, item: ParsedItem) -> Claimed:
        reason = filters.refusal(item, feed.rules)
        if not reason and not item.link and not item.characters:
            reason = _NOTHING
        if reason:
            return await item_records.create(self.store, feed.feed_id, item, "filtered", reason=reason)
        if await item_records.is_repeated(self.store, feed.feed_id, item):
            said = "Another item has the same address, title and text."
            return await item_records.create(self.store, feed.feed_id, item, "repeated", reason=said)
        if feed.rules.digest is not None:
            return await item_records.create(self.store, feed.feed_id, item, "collected")
        return await item_records.create(self.store, feed.feed_id, item, "job", job_id=new_job_id())

    async def _finish(self, feed: Feed, item: ParsedItem, claimed: Claimed) -> Claimed:
        """Do what the record says; nothing of it is done twice, however often this is called."""
        text = await full_text.chosen(
            item, feed.rules, self.settings, self.parsers, until=self.until, resolve=self.resolve
        )
        if text.markup is not None and (reason := filters.length_refusal(text.characters, feed.rules)):
            return await self._changed(feed, item, claimed, outcome="filtered", reason=reason, job_id=None)
        if claimed.record.outcome == "collected" and text.markup is not None:
            await self.store.put(keys.feed_item_text(feed.feed_id, item.digest), text.markup, content_type="text/html")
            return await self._changed(feed, item, claimed)
        if claimed.record.job_id is None:
            # It should be in the digest, but its page cannot be read now: the job of its own tries again, or says why.
            claimed = await item_records.change(
                self.store, feed.feed_id, item.digest, claimed, outcome="job", job_id=new_job_id()
            )
        if claimed.record.is_done or claimed.record.job_id is None:
            return claimed
        try:
            draft = item_jobs.draft(feed, item, text, claimed.record.job_id, self.settings)
        except BadInput as error:
            return await self._changed(feed, item, claimed, outcome="filtered", reason=error.message, job_id=None)
        await item_jobs.hand_over(draft, store=self.store, publish=self.publish)
        return await self._changed(feed, item, claimed)

    async def _changed(self, feed: Feed, item: ParsedItem, claimed: Claimed, **update: object) -> Claimed:
        return await item_records.change(self.store, feed.feed_id, item.digest, claimed, is_done=True, **update)


def _newest_first(items: tuple[ParsedItem, ...]) -> list[ParsedItem]:
    """By date if every item has one; otherwise as they come, which is newest first in nearly all feeds."""
    if all(item.published is not None for item in items):
        return sorted(items, key=lambda item: -(item.published or 0.0))
    return list(items)
