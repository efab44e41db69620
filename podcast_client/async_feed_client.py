"""The methods of the client for feeds, which need the scope `operate`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from podcast_client import feed_calls as calls
from podcast_client.async_transport import AsyncTransport
from podcast_client.feed_documents import Feed


class AsyncFeedMethods:
    """Feeds whose items become episodes."""

    _transport: AsyncTransport

    async def feeds(self) -> AsyncGenerator[Feed, None]:
        """The feeds, in the order of their ids, fetched a page at a time."""
        cursor: str | None = None
        while True:
            page = await self._transport.run(calls.feeds(cursor=cursor))
            for feed in page.items:
                yield feed
            cursor = page.next
            if cursor is None:
                return

    async def feed(self, feed_id: str) -> Feed:
        """One feed."""
        return await self._transport.run(calls.feed(feed_id))

    async def add_feed(self, url: str, *, title: str | None = None, rules: Mapping[str, Any] | None = None) -> Feed:
        """Make a feed; it is polled within seconds.

        Args:
            url: of the feed, or of a page that names one.
            title: None: as it calls itself.
            rules: what is made of it, such as `{"show": "news", "first_items": 3}`; see docs/feeds.md.
        """
        return await self._transport.run(calls.add_feed({"url": url, "title": title, "rules": rules}))

    async def change_feed(
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
        return await self._transport.run(calls.change_feed(feed_id, {"title": title, "rules": rules, "paused": paused}))

    async def poll_feed(self, feed_id: str) -> None:
        """Have a feed polled now."""
        await self._transport.run(calls.poll_feed(feed_id))

    async def remove_feed(self, feed_id: str) -> None:
        """Remove a feed; its jobs stay."""
        await self._transport.run(calls.remove_feed(feed_id))
