# Derived by docs/sync_client.py from async_feed_client.py: change that one.
"""The methods of the client for feeds, which need the scope `operate`."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from podcast_client import feed_calls as calls
from podcast_client.feed_documents import Feed
from podcast_client.sync_transport import Transport


class FeedMethods:
    """Feeds whose items become episodes."""

    _transport: Transport

    def feeds(self) -> Generator[Feed, None]:
        """The feeds, in the order of their ids, fetched a page at a time."""
        cursor: str | None = None
        while True:
            page = self._transport.run(calls.feeds(cursor=cursor))
            for feed in page.items:
                yield feed
            cursor = page.next
            if cursor is None:
                return

    def feed(self, feed_id: str) -> Feed:
        """One feed."""
        return self._transport.run(calls.feed(feed_id))

    def add_feed(self, url: str, *, title: str | None = None, rules: Mapping[str, Any] | None = None) -> Feed:
        """Make a feed; it is polled within seconds.

        Args:
            url: of the feed, or of a page that names one.
            title: None: as it calls itself.
            rules: what is made of it, such as `{"show": "news", "first_items": 3}`; see docs/feeds.md.
        """
        return self._transport.run(calls.add_feed({"url": url, "title": title, "rules": rules}))

    def change_feed(
        self,
        feed_id: str,
        *,
        title: str | None = None,
        rules: Mapping[str, Any] | None = None,
        paused: bool | None = None,
    ) -> Feed:
        """Change a feed; what is None, or not in `rules`, stays as it is.

        Args:
            feed_id: of the feed.
            title: its title.
            rules: those that change.
            paused: true: poll it no more; false: poll it again, at once, also one that is failing or gone.
        """
        return self._transport.run(calls.change_feed(feed_id, {"title": title, "rules": rules, "paused": paused}))

    def poll_feed(self, feed_id: str) -> None:
        """Have a feed polled now."""
        self._transport.run(calls.poll_feed(feed_id))

    def remove_feed(self, feed_id: str) -> None:
        """Remove a feed; its jobs stay."""
        self._transport.run(calls.remove_feed(feed_id))
