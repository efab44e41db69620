"""What a poll found, and how the feed is after it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from services.feeds import timing
from services.feeds.digests import Made
from services.feeds.fetching import FoundFeed
from services.feeds.taking import Taken
from shared.client.feeds.model import PENDING_LIMIT, RECENT_LIMIT, Feed, Polling, RecentItem
from shared.errors import PodcastError
from shared.fetching.fetching import PageGone
from shared.settings import Settings


@dataclass
class PollResult:
    """What a poll found.

    Attributes:
        began: when it began, in seconds since the epoch.
        found: what was at the feed's address; None: that could not be had.
        taken: what became of its new items.
        made: the digest that was made.
        error: why the poll failed; None: it did not.
    """

    began: float
    found: FoundFeed | None = None
    taken: Taken = field(default_factory=Taken)
    made: Made | None = None
    error: PodcastError | None = None

    def applied(self, feed: Feed, settings: Settings) -> Feed:
        """The feed after the poll: as it was, or as somebody has changed it meanwhile."""
        failures = feed.polling.failures + 1 if self.error is not None else 0
        digest = self._of_digest(feed)
        update = {
            **digest,
            **self._of_items(feed),
            **self._of_document(feed, settings),
            "next_poll_at": self._next(feed, settings, failures, next_digest_at=digest["next_digest_at"]),
            "unfinished": 0,
            "polled_at": max(self.began, feed.polling.polled_at or 0.0),
            "failures": failures,
            "error": None if self.error is None else str(self.error),
            "gone_at": self.began if isinstance(self.error, PageGone) else None,
        }
        polling = Polling.model_validate({**feed.polling.model_dump(), **update})
        moved = self.found.url if self.error is None and self.found is not None else feed.url
        parsed = self.found.parsed if self.found is not None else None
        title = feed.title or (parsed.title if parsed is not None else "")
        return feed.model_copy(update={"polling": polling, "url": moved, "title": title})

    def _next(self, feed: Feed, settings: Settings, failures: int, *, next_digest_at: float | None) -> float:
        parsed = self.found.parsed if self.found is not None else None
        asked = getattr(self.error, "retry_after_seconds", None)
        following = timing.next_poll(
            feed,
            now=self.began,
            failures=failures,
            shortest_seconds=settings.feed_shortest_interval_seconds,
            ttl_seconds=parsed.ttl_seconds if parsed is not None else None,
            retry_after_seconds=None if asked is None else min(asked, settings.retry_after_limit_seconds),
        )
        soonest = self.began + settings.feed_shortest_interval_seconds
        if self.error is not None:
            return following
        if self.taken.left and left_today(feed, settings, self.began) > len(self.taken.recent):
            following = min(following, soonest)
        return following if next_digest_at is None else min(following, max(next_digest_at, soonest))

    def _of_document(self, feed: Feed, settings: Settings) -> dict[str, object]:
        if self.error is not None or self.found is None:
            return {}
        parsed = self.found.parsed
        if parsed is None:
            return {"succeeded_at": self.began}
        left = self.taken.left
        return {
            "succeeded_at": self.began,
            "has_begun": True,
            "is_slow": self.found.is_slow,
            # What is left must be there the next time, too, so it must not be answered with 304.
            "seen": feed.polling.seen if left else tuple(item.digest for item in parsed.items),
            "etag": "" if left else self.found.etag,
            "last_modified": "" if left else self.found.last_modified,
            "warning": _warning(left, parsed.left_out, settings),
        }

    def _of_items(self, feed: Feed) -> dict[str, object]:
        today = timing.day(self.began)
        before = feed.polling.day_items if feed.polling.day == today else 0
        recent = list(reversed(self.taken.recent))
        is_new_digest = self.made is not None and self.made.is_new
        if self.made is not None and is_new_digest:
            told = f"{len(self.made.items)} items"
            recent.insert(
                0,
                RecentItem(
                    title=self.made.title, outcome="in digest", reason=told, job_id=self.made.job_id, at=self.began
                ),
            )
        return {
            "recent": (*recent, *feed.polling.recent)[:RECENT_LIMIT],
            "jobs": feed.polling.jobs + self.taken.jobs + is_new_digest,
            "day": today,
            "day_items": before + len(self.taken.recent),
        }

    def _of_digest(self, feed: Feed) -> _OfDigest:
        pending = tuple(dict.fromkeys((*feed.polling.pending, *self.taken.collected)))
        if self.made is not None:
            pending = tuple(digest for digest in pending if digest not in self.made.items)
        following = feed.polling.next_digest_at
        # A digest that failed keeps its time: it is the same digest that is tried again.
        is_over = following is not None and following <= self.began and (self.error is None or not pending)
        if following is None or is_over or feed.rules.digest is None:
            following = timing.next_digest(feed.rules, now=self.began)
        return {"pending": pending[-PENDING_LIMIT:], "next_digest_at": following}


class _OfDigest(TypedDict):
    pending: tuple[str, ...]
    next_digest_at: float | None


def left_today(feed: Feed, settings: Settings, now: float) -> int:
    """How many new items a feed may still have today."""
    before = feed.polling.day_items if feed.polling.day == timing.day(now) else 0
    return max(0, settings.feed_new_items_per_day - before)


def _warning(left: int, over: int, settings: Settings) -> str | None:
    if left:
        return (
            f"{left} new items are left for later: a poll takes {settings.feed_new_items_per_poll}, and a day"
            f" {settings.feed_new_items_per_day}."
        )
    return f"{over} items at its end were not looked at." if over else None
