"""What `podcast shows` needs of shows: in the store itself, or over HTTP.

A show, an episode and a token are documents as the API shows them, whichever way they come.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from podcast_client import AsyncPodcastClient
from services.cli.backends import over_http
from services.cli.backends.http_errors import as_ours
from services.cli.backends.reachable import reachable_store
from services.cli.targets import Target
from shared.client import covers, feed_tokens, show_episodes, shows
from shared.client.documents import opened as opened_content
from shared.client.feed_tokens import PARAMETER, FeedToken
from shared.client.show_renderings import Renderings
from shared.deadlines import in_thread
from shared.protocol.shows import EpisodeRecord, Show
from shared.settings import Settings
from shared.store.port import Store

Document: TypeAlias = dict[str, Any]
Documents: TypeAlias = list[Document]


class Shows(Protocol):
    """The shows of a system."""

    async def add(self, show_id: str, fields: Mapping[str, Any]) -> Document:
        """Make a show."""

    async def listed(self) -> Documents:
        """All shows."""

    async def shown(self, show_id: str) -> Document:
        """A show."""

    async def changed(self, show_id: str, fields: Mapping[str, Any]) -> Document:
        """Change a show."""

    async def covered(self, show_id: str, picture: Path) -> Document:
        """Give a show a cover."""

    async def removed(self, show_id: str) -> None:
        """Remove a show."""

    async def episodes(self, show_id: str) -> Documents:
        """Its episodes, newest first."""

    async def changed_episode(self, show_id: str, episode_id: str, fields: Mapping[str, Any]) -> Document:
        """Change an episode."""

    async def add_token(self, show_id: str, name: str) -> Document:
        """Make an address of its private feed."""

    async def tokens(self, show_id: str) -> Documents:
        """Who has such an address."""

    async def revoked_token(self, show_id: str, token_id: str) -> Document:
        """Make one invalid."""


@contextlib.asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Shows]:
    """The shows of the system that a command talks to."""
    if target.api is None:
        yield StoredShows(await reachable_store(target.settings), target.settings)
        return
    async with over_http.connected(target.api) as client:
        yield HttpShows(client)


class StoredShows:
    """The shows in a store; no gateway needs to run."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._url = settings.public_url

    async def add(self, show_id: str, fields: Mapping[str, Any]) -> Document:
        """Create it."""
        made = shows.new_show(show_id, fields, public_url=self._url)
        await shows.create(self._store, made)
        return self._document(made)

    async def listed(self) -> Documents:
        """Read them."""
        return [self._document(one) for one in await shows.some(self._store, await shows.ids(self._store))]

    async def shown(self, show_id: str) -> Document:
        """Read it."""
        return self._document(await shows.find(self._store, show_id))

    async def changed(self, show_id: str, fields: Mapping[str, Any]) -> Document:
        """Replace it, over the version that was read."""
        return self._document(
            await shows.change(self._store, show_id, lambda before: shows.changed_show(before, fields))
        )

    async def covered(self, show_id: str, picture: Path) -> Document:
        """Store it."""
        content = await in_thread(lambda: _picture(picture))
        return self._document(await shows.set_cover(self._store, show_id, content))

    async def removed(self, show_id: str) -> None:
        """Delete its objects."""
        await shows.remove(self._store, show_id)

    async def episodes(self, show_id: str) -> Documents:
        """Read their records, and the statuses of their jobs."""
        await shows.find(self._store, show_id)
        listing = await Renderings(self._store).listing(show_id)
        heard = {one.record.episode_id: one.rendering for one in listing.heard}
        found = []
        for record in sorted(listing.records, key=lambda one: (one.appears_at, one.episode_id), reverse=True):
            rendering = heard.get(record.episode_id)
            found.append(
                {
                    **_episode(record),
                    "title": record.title or (rendering.title if rendering else ""),
                    "audio_seconds": rendering.audio_seconds if rendering else None,
                    "completed_at": rendering.completed_at if rendering else None,
                }
            )
        return found

    async def changed_episode(self, show_id: str, episode_id: str, fields: Mapping[str, Any]) -> Document:
        """Replace its record, over the version that was read."""
        after = await show_episodes.change(
            self._store, show_id, episode_id, lambda before: show_episodes.changed_record(before, fields)
        )
        return _episode(after)

    async def add_token(self, show_id: str, name: str) -> Document:
        """Store its hash."""
        await shows.find(self._store, show_id)
        made, token = await feed_tokens.add(self._store, show_id, name=name)
        return {**_token(made), "feed_url": f"{self._url}{shows.feed_path(show_id)}?{PARAMETER}={token}"}

    async def tokens(self, show_id: str) -> Documents:
        """Read them."""
        await shows.find(self._store, show_id)
        return [_token(one) for one in await feed_tokens.listed(self._store, show_id)]

    async def revoked_token(self, show_id: str, token_id: str) -> Document:
        """Replace it, over the version that was read."""
        return _token(await feed_tokens.revoke(self._store, show_id, token_id))

    def _document(self, show: Show) -> Document:
        return {**show.model_dump(mode="json"), "feed_url": self._url + shows.feed_path(show.show_id)}


class HttpShows:
    """The shows of a gateway."""

    def __init__(self, client: AsyncPodcastClient) -> None:
        self._client = client
        self._url = client.configuration.url

    async def add(self, show_id: str, fields: Mapping[str, Any]) -> Document:
        """POST /v1/shows."""
        with as_ours(self._url):
            return await self._client.add_show(show_id, **fields)

    async def listed(self) -> Documents:
        """GET /v1/shows, as many pages as it takes."""
        with as_ours(self._url):
            return [one async for one in self._client.shows()]

    async def shown(self, show_id: str) -> Document:
        """GET /v1/shows/{id}."""
        with as_ours(self._url):
            return await self._client.show(show_id)

    async def changed(self, show_id: str, fields: Mapping[str, Any]) -> Document:
        """PATCH /v1/shows/{id}."""
        with as_ours(self._url):
            return await self._client.change_show(show_id, **fields)

    async def covered(self, show_id: str, picture: Path) -> Document:
        """PUT /v1/shows/{id}/cover."""
        content = await in_thread(lambda: _picture(picture))
        with as_ours(self._url):
            return await self._client.set_show_cover(show_id, content)

    async def removed(self, show_id: str) -> None:
        """DELETE /v1/shows/{id}."""
        with as_ours(self._url):
            await self._client.remove_show(show_id)

    async def episodes(self, show_id: str) -> Documents:
        """GET /v1/shows/{id}/episodes, as many pages as it takes."""
        with as_ours(self._url):
            return [one async for one in self._client.episodes(show_id)]

    async def changed_episode(self, show_id: str, episode_id: str, fields: Mapping[str, Any]) -> Document:
        """PATCH /v1/shows/{id}/episodes/{episode}."""
        with as_ours(self._url):
            return await self._client.change_episode(show_id, episode_id, **fields)

    async def add_token(self, show_id: str, name: str) -> Document:
        """POST /v1/shows/{id}/tokens."""
        with as_ours(self._url):
            return await self._client.add_feed_token(show_id, name=name)

    async def tokens(self, show_id: str) -> Documents:
        """GET /v1/shows/{id}/tokens."""
        with as_ours(self._url):
            return list(await self._client.feed_tokens(show_id))

    async def revoked_token(self, show_id: str, token_id: str) -> Document:
        """DELETE /v1/shows/{id}/tokens/{token}."""
        with as_ours(self._url):
            return await self._client.revoke_feed_token(show_id, token_id)


def _picture(path: Path) -> bytes:
    with opened_content(covers.picture(path)[0]) as file:
        return file.read()


def _episode(record: EpisodeRecord) -> Document:
    shown = record.model_dump(mode="json", exclude={"version", "show_id", "announced_at"})
    return {**shown, "published_at": record.appears_at}


def _token(token: FeedToken) -> Document:
    shown = token.model_dump(mode="json", exclude={"version", "secret_sha256", "token_id"})
    return {"id": token.token_id, **shown}
