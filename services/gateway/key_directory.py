"""Finds keys in the store, such that a stranger who tries keys cannot cause more reads than a friend who has one.

A key that is there is read at most once in a few seconds. Whether a key is there is known from a listing, which is
renewed at most twice a second, however many unknown keys are tried; a request with an unknown key waits for the next
listing, so a key that was just made is always found. Both memories are as large as the number of keys in the store.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from shared.client import api_keys
from shared.client.api_keys import ApiKey
from shared.errors import StoreDown
from shared.store.port import Store

REMEMBERED_SECONDS: Final = 5.0
"""How long a key is used without reading it again: a revoked key ends within this time."""
STALE_SECONDS: Final = 60.0
"""How long a key is used while the store does not answer: nobody can revoke one there meanwhile."""
_PATIENCE_SECONDS: Final = 1.0
"""How long to wait for the store before a key is used that may be stale."""
_LISTING_SECONDS: Final = 0.5


@dataclass(frozen=True)
class _Known:
    read_at: float
    key: ApiKey | None


class KeyDirectory:
    """The keys in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids: frozenset[str] = frozenset()
        self._known: dict[str, _Known] = {}
        self._reading: dict[str, asyncio.Task[ApiKey | None]] = {}
        self._next_listing: asyncio.Task[None] | None = None
        self._listing_began = -_LISTING_SECONDS

    async def find(self, key_id: str) -> ApiKey | None:
        """The key with this id; None if there is none.

        Raises:
            StoreDown: the store does not answer, and the key was not used in the last minute.
        """
        known = self._known.get(key_id)
        age_seconds = time.monotonic() - known.read_at if known else STALE_SECONDS
        if known and age_seconds < REMEMBERED_SECONDS:
            return known.key
        if key_id not in self._ids and known is None:
            await self._listed()
            if key_id not in self._ids:
                return None
        return await self._read_again(key_id, known if age_seconds < STALE_SECONDS else None)

    async def _read_again(self, key_id: str, stale: _Known | None) -> ApiKey | None:
        reading = self._reading.get(key_id)
        if reading is None:
            reading = self._reading[key_id] = asyncio.create_task(self._read(key_id))
            reading.add_done_callback(lambda _: self._reading.pop(key_id, None))
            reading.add_done_callback(_noted)
        await asyncio.wait({reading}, timeout=_PATIENCE_SECONDS if stale else None)
        try:
            if reading.done():
                return reading.result()
        except StoreDown:
            if stale is None:
                raise
        return stale.key if stale else None

    async def _read(self, key_id: str) -> ApiKey | None:
        key = await api_keys.find(self._store, key_id)
        self._known[key_id] = _Known(time.monotonic(), key)
        return key

    async def _listed(self) -> None:
        """Wait for a listing that begins after this call."""
        if self._next_listing is None:
            self._next_listing = asyncio.create_task(self._list())
            self._next_listing.add_done_callback(_noted)
        await asyncio.shield(self._next_listing)

    async def _list(self) -> None:
        await asyncio.sleep(self._listing_began + _LISTING_SECONDS - time.monotonic())
        self._listing_began = time.monotonic()
        self._next_listing = None  # whoever comes from now on waits for another
        self._ids = frozenset(await api_keys.ids(self._store))
        for gone in self._known.keys() - self._ids:
            del self._known[gone]


def _noted(task: asyncio.Task[ApiKey | None] | asyncio.Task[None]) -> None:
    """Take note of its error: all who waited for it may be gone."""
    if not task.cancelled():
        task.exception()
