"""A poller with a real store in a folder and a list in place of the broker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from services.feeds.handlers import Poller
from services.feeds.poll_turns import PollTurns
from shared.client.feeds import stored
from shared.client.feeds.model import Feed, FeedRules
from shared.protocol.messages import FeedPollRequested, JobRequest, Message
from shared.settings import Settings
from shared.store.port import Store, open_store


def settings_of(store_url: str, **more: object) -> Settings:
    """Settings for tests on this machine."""
    return Settings(  # type: ignore[arg-type] # pydantic checks them
        **{
            "store_url": store_url,
            "fetch_allow": "127.0.0.0/8",
            "feed_fetch_deadline_seconds": 5,
            "feed_shortest_interval_seconds": 1,
            **more,
        }
    )


def due(feed: Feed) -> Feed:
    """The feed, with a digest that is due."""
    return feed.model_copy(update={"polling": feed.polling.model_copy(update={"next_digest_at": 1_000_000.0})})


@dataclass
class Polled:
    """Feeds in a store, and what polls of them publish.

    Attributes:
        settings: of the service.
        published: what was published, in order.
    """

    settings: Settings
    published: list[Message] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return open_store(self.settings)

    @property
    def jobs(self) -> list[JobRequest]:
        """The jobs that were published, each once."""
        found = {one.job_id: one for one in self.published if isinstance(one, JobRequest)}
        return list(found.values())

    async def publish(self, message: Message) -> None:
        self.published.append(message)

    async def add(self, url: str, **rules: object) -> Feed:
        feed = stored.new_feed(stored.checked_url(url), rules=FeedRules.model_validate(rules, strict=False))
        await stored.add(self.store, feed)
        return feed

    def poller(self) -> Poller:
        return Poller(self.store, self.settings, self.publish, PollTurns(self.settings.feeds_slots))

    async def poll(self, feed: Feed, *, by_hand: bool = False, requested_at: float | None = None) -> Feed:
        """Poll it once; the feed afterwards."""
        now = time.time() if requested_at is None else requested_at
        await self.poller().poll(FeedPollRequested(feed_id=feed.feed_id, due_at=now, requested_at=now, by_hand=by_hand))
        return await stored.find(self.store, feed.feed_id)
