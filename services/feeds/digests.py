"""A digest: the items that a feed has collected, as one episode with a chapter for each.

Its record is created, with its job and its items, before anything else, so a digest that is cut short is finished by
the next poll with the same job and the same items.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

import structlog
from pydantic import ValidationError

from services.feeds import item_jobs, item_records, metrics, timing
from services.feeds.item_records import Claimed
from shared.client.feeds.model import DigestRecord, Feed
from shared.concurrency import gathered
from shared.errors import Conflict, NotFound, Permanent
from shared.protocol import reading
from shared.protocol.messages import Message, new_job_id
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

_AT_A_TIME: Final = 8
_SHARE_OF_LIMIT: Final = 0.7
"""Of the largest source, for the texts of a digest; what is over it is for the next one."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive can have: the same items make the same archive."""


class UnreadableDigest(Permanent):
    """What the store has of a digest cannot be read."""


@dataclass(frozen=True)
class Made:
    """A digest that was made.

    Attributes:
        job_id: its job.
        items: digests of the items in it.
        title: of its episode.
        is_new: it was finished just now, by us.
    """

    job_id: str
    items: tuple[str, ...]
    title: str
    is_new: bool = False


def is_due(feed: Feed, *, now: float) -> bool:
    """Whether items wait, and their time has come; at once if the feed makes no digests any more."""
    if not feed.polling.pending:
        return False
    planned = feed.polling.next_digest_at
    return feed.rules.digest is None or (planned is not None and planned <= now)


@dataclass(frozen=True)
class DigestMaker:
    """What making a digest needs.

    Attributes:
        store: the store.
        settings: limits.
        publish: publishes a job.
    """

    store: Store
    settings: Settings
    publish: Callable[[Message], Awaitable[None]]

    async def make(self, feed: Feed, *, now: float) -> Made | None:
        """Make one episode of what a feed has collected; None if nothing is left to make it of.

        Raises:
            BadInput: no job can be made of it, such as when the show does not exist.
            StoreDown, BrokerDown: a server does not answer; doing it all again makes the same job.
        """
        # The time that it was planned for, not the time that it is: two pollers mean the same digest.
        window = timing.day(feed.polling.next_digest_at or now)
        found = await self._find(feed.feed_id, window)
        if found is None:
            claimed = await self._candidates(feed, window)
            if not claimed:
                return None
            wanted = DigestRecord(job_id=new_job_id(), items=tuple(claimed), made_at=now)
            key = keys.feed_digest(feed.feed_id, window)
            try:
                version = await self.store.create(key, wanted.model_dump_json().encode())
                found = wanted, version
            except Conflict:
                found = await self._find(feed.feed_id, window)
        if found is None:
            return None
        return await self._finish(feed, window, *found)

    async def _find(self, feed_id: str, window: str) -> tuple[DigestRecord, str] | None:
        try:
            data, version = await self.store.get_versioned(keys.feed_digest(feed_id, window))
            return reading.read(DigestRecord, data, strict=False), version
        except NotFound:
            return None
        except ValidationError as error:
            raise UnreadableDigest(
                f"What the store has of the digest {window} of the feed {feed_id} cannot be read.",
                hint=f"Remove {keys.feed_digest(feed_id, window)}: then it is made anew.",
            ) from error

    async def _candidates(self, feed: Feed, window: str) -> list[str]:
        """The items that are in no digest yet, oldest first, as many as a source may hold."""
        found: dict[str, Claimed] = {}
        for digest, claimed in zip(feed.polling.pending, await self._records(feed, feed.polling.pending), strict=True):
            if claimed is None:
                continue
            if claimed.record.window not in {"", window}:
                # An earlier digest was cut short, and then its time was changed: it comes first.
                earlier = await self._find(feed.feed_id, claimed.record.window)
                if earlier is not None and not earlier[0].is_done:
                    await self._finish(feed, claimed.record.window, *earlier)
            elif claimed.record.outcome == "collected":
                found[digest] = claimed
        oldest = sorted(found, key=lambda digest: _age(found[digest]))
        left = self.settings.source_limit_bytes * _SHARE_OF_LIMIT
        chosen: list[str] = []
        for digest in oldest:
            left -= await self.store.size(keys.feed_item_text(feed.feed_id, digest)) or 0
            if left < 0 and chosen:
                break
            chosen.append(digest)
        return chosen

    async def _finish(self, feed: Feed, window: str, record: DigestRecord, version: str) -> Made:
        title = f"{feed.title}, {window}" if feed.title else window
        made = Made(record.job_id, record.items, title[:500])
        if record.is_done:
            return made
        claimed = await self._records(feed, record.items)
        pages: list[tuple[str, bytes]] = []
        for digest, one in zip(record.items, claimed, strict=True):
            if one is None:
                continue
            if one.record.window != window:
                await item_records.change(
                    self.store, feed.feed_id, digest, one, outcome="in digest", window=window, job_id=record.job_id
                )
            try:
                pages.append((one.record.title, await self.store.get(keys.feed_item_text(feed.feed_id, digest))))
            except NotFound:
                log.warning("the text of an item is gone", feed=feed.feed_id, reason=one.record.title)
        if pages:
            draft = item_jobs.digest_draft(feed, archive_of(pages), made.title, record.job_id, self.settings)
            await item_jobs.hand_over(draft, store=self.store, publish=self.publish)
        done = record.model_copy(update={"is_done": True}).model_dump_json().encode()
        try:
            await self.store.replace(keys.feed_digest(feed.feed_id, window), done, version=version)
        except Conflict:
            return made  # another poller has finished it
        for digest in record.items:
            await self.store.delete(keys.feed_item_text(feed.feed_id, digest))
            metrics.ITEMS.labels("in digest").inc()
        log.info("digest", feed=feed.feed_id, job=record.job_id, items=len(pages))
        return replace(made, is_new=bool(pages))

    async def _records(self, feed: Feed, digests: tuple[str, ...]) -> list[Claimed | None]:
        async def look(digest: str) -> Claimed | None:
            return await item_records.find(self.store, feed.feed_id, digest)

        return await gathered(look, digests, at_a_time=_AT_A_TIME)


def archive_of(pages: list[tuple[str, bytes]]) -> bytes:
    """An archive with a page for each item, in order; the same pages make the same archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (_, page) in enumerate(pages, 1):
            archive.writestr(zipfile.ZipInfo(f"{number:03d}.html", _EPOCH), page)
    return file.getvalue()


def _age(claimed: Claimed) -> float:
    """When it was published, or found if it does not say or says a time to come."""
    record = claimed.record
    return min(record.published_at, record.found_at) if record.published_at is not None else record.found_at
