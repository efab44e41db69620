"""What `podcast keys` needs of the API's keys: in the store itself, or over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from typing import Any, Protocol

import podcast_client as api
from podcast_client import AsyncPodcastClient
from services.cli.backends import over_http
from services.cli.backends.http_errors import as_ours
from services.cli.backends.reachable import reachable_store
from services.cli.targets import Target
from shared.client import api_keys
from shared.client.api_keys import ApiKey
from shared.store.port import Store


@dataclass(frozen=True)
class KnownKey:
    """A key, without its secret; the fields are those of `ApiKey`."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    requests_per_minute: int | None
    created_at: float
    revoked_at: float | None


class Keys(Protocol):
    """The keys, for one command."""

    async def add(self, token: str, wanted: ApiKey) -> tuple[str, KnownKey]:
        """Make a key.

        Args:
            token: the key itself, unless the other side makes one.
            wanted: what is to be stored of it.

        Returns:
            The key, and what is stored of it.
        """

    async def listed(self) -> list[KnownKey]:
        """All keys, oldest first."""

    async def revoke(self, key_id: str) -> KnownKey:
        """Make a key invalid.

        Raises:
            NotFound: there is no such key.
        """


@contextlib.asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Keys]:
    """The keys of the system that a command talks to."""
    if target.api is None:
        yield StoredKeys(await reachable_store(target.settings))
        return
    async with over_http.connected(target.api) as client:
        yield HttpKeys(client)


class StoredKeys:
    """The keys in a store; no gateway needs to run."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, token: str, wanted: ApiKey) -> tuple[str, KnownKey]:
        """Store the key."""
        await api_keys.add(self._store, wanted)
        return token, _known(wanted)

    async def listed(self) -> list[KnownKey]:
        """Read them."""
        return [_known(key) for key in await api_keys.listed(self._store)]

    async def revoke(self, key_id: str) -> KnownKey:
        """Store that it is revoked."""
        return _known(await api_keys.revoke(self._store, key_id))


class HttpKeys:
    """The keys of a gateway, which makes the key itself."""

    def __init__(self, client: AsyncPodcastClient) -> None:
        self._client = client
        self._url = client.configuration.url

    async def add(self, token: str, wanted: ApiKey) -> tuple[str, KnownKey]:  # noqa: ARG002 - the gateway makes its own
        """POST /v1/keys."""
        with as_ours(self._url):
            made = await self._client.add_key(
                wanted.name, *wanted.scopes, requests_per_minute=wanted.requests_per_minute
            )
        return made.key, _received(made)

    async def listed(self) -> list[KnownKey]:
        """GET /v1/keys, as many pages as it takes; they come in the order of their ids."""
        with as_ours(self._url):
            pages = self._client.keys()
            found = [_received(key) async for key in pages]
        return sorted(found, key=lambda key: (key.created_at, key.key_id))

    async def revoke(self, key_id: str) -> KnownKey:
        """DELETE /v1/keys/{id}."""
        with as_ours(self._url):
            return _received(await self._client.revoke_key(api_keys.checked_id(key_id)))


def _known(key: ApiKey) -> KnownKey:
    values: dict[str, Any] = {field.name: getattr(key, field.name) for field in fields(KnownKey)}
    return KnownKey(**values)


def _received(key: api.Key) -> KnownKey:
    return KnownKey(key.id, key.name, key.scopes, key.requests_per_minute, key.created_at, key.revoked_at)
