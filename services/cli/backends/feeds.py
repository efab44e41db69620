"""What `podcast feeds` needs of the feeds: in the store itself, or over HTTP. Publishes feed.poll.

A feed is a document as the API shows it, whichever way it comes.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

import podcast_client as api
from podcast_client import AsyncPodcastClient
from services.cli.backends import over_http
from services.cli.backends.http_errors import as_ours
from services.cli.backends.reachable import reachable_store
from services.cli.targets import Target
from shared.client import broker
from shared.client.feeds import documents, stored
from shared.settings import Settings
from shared.store.port import Store

Document = dict[str, Any]


class Feeds(Protocol):
    """The feeds, for one command; ids and titles are checked before."""

    async def add(self, url: str, *, title: str, rules: Mapping[str, Any]) -> Document:
        """Make a feed.

        Raises:
            BadInput: the address or a rule cannot be used.
            Conflict: it has been added already.
        """

    async def listed(self) -> list[Document]:
        """All feeds, oldest first."""

    async def shown(self, feed_id: str) -> Document:
        """One feed.

        Raises:
            NotFound: there is none with this id; so too with the methods below.
        """

    async def changed(
        self,
        feed_id: str,
        *,
        title: str | None = None,
        rules: Mapping[str, Any] | None = None,
        paused: bool | None = None,
    ) -> Document:
        """The feed after a change; what is None stays as it is."""

    async def poll(self, feed_id: str) -> None:
        """Ask for a poll now.

        Raises:
            Conflict: it is paused, or gone.
        """

    async def removed(self, feed_id: str) -> None:
        """Remove the feed."""


@contextlib.asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Feeds]:
    """The feeds of the system that a command talks to."""
    if target.api is None:
        yield StoredFeeds(await reachable_store(target.settings), target.settings)
        return
    async with over_http.connected(target.api) as client:
        yield HttpFeeds(client)


class StoredFeeds:
    """The feeds in a store; no gateway needs to run."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    async def add(self, url: str, *, title: str, rules: Mapping[str, Any]) -> Document:
        """Store a new one."""
        made = stored.new_feed(stored.checked_url(url), title=title, rules=documents.rules_of(rules))
        await stored.check_show(self._store, made.rules)
        await stored.add(self._store, made)
        return documents.document(made)

    async def listed(self) -> list[Document]:
        """Read them."""
        found = await stored.some(self._store, await stored.ids(self._store))
        return [documents.document(feed) for feed in sorted(found, key=lambda feed: feed.created_at)]

    async def shown(self, feed_id: str) -> Document:
        """Read it."""
        return documents.document(await stored.find(self._store, feed_id))

    async def changed(
        self,
        feed_id: str,
        *,
        title: str | None = None,
        rules: Mapping[str, Any] | None = None,
        paused: bool | None = None,
    ) -> Document:
        """Replace it, over the version that was read."""
        return documents.document(
            await stored.edit(self._store, feed_id, title=title, rules=rules or {}, paused=paused)
        )

    async def poll(self, feed_id: str) -> None:
        """Publish the request."""
        message = stored.poll_request(await stored.find(self._store, feed_id))
        async with broker.opened(self._settings) as client:
            await client.publish(message)

    async def removed(self, feed_id: str) -> None:
        """Delete it."""
        await stored.remove(self._store, feed_id)


class HttpFeeds:
    """The feeds of a gateway."""

    def __init__(self, client: AsyncPodcastClient) -> None:
        self._client = client
        self._url = client.configuration.url

    async def add(self, url: str, *, title: str, rules: Mapping[str, Any]) -> Document:
        """POST /v1/feeds."""
        with as_ours(self._url):
            return _document(await self._client.add_feed(url, title=title or None, rules=rules))

    async def listed(self) -> list[Document]:
        """GET /v1/feeds, as many pages as it takes."""
        with as_ours(self._url):
            found = [_document(one) async for one in self._client.feeds()]
        return sorted(found, key=lambda feed: float(feed["created_at"]))

    async def shown(self, feed_id: str) -> Document:
        """GET /v1/feeds/{id}."""
        with as_ours(self._url):
            return _document(await self._client.feed(feed_id))

    async def changed(
        self,
        feed_id: str,
        *,
        title: str | None = None,
        rules: Mapping[str, Any] | None = None,
        paused: bool | None = None,
    ) -> Document:
        """PATCH /v1/feeds/{id}."""
        with as_ours(self._url):
            return _document(await self._client.change_feed(feed_id, title=title, rules=rules, paused=paused))

    async def poll(self, feed_id: str) -> None:
        """POST /v1/feeds/{id}/poll."""
        with as_ours(self._url):
            await self._client.poll_feed(feed_id)

    async def removed(self, feed_id: str) -> None:
        """DELETE /v1/feeds/{id}."""
        with as_ours(self._url):
            await self._client.remove_feed(feed_id)


def _document(one: api.Feed) -> Document:
    return {**dataclasses.asdict(one), "items": [dataclasses.asdict(item) for item in one.items]}
