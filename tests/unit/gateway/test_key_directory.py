"""What looking up keys costs the store, and what happens while it is away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.gateway import key_directory
from services.gateway.key_directory import KeyDirectory
from shared.client import api_keys
from shared.errors import StoreDown
from shared.store.folder import FileStore


class CountedStore(FileStore):
    """A folder that counts its calls, and can be away."""

    calls = 0
    is_away = False

    async def get(self, key: str) -> bytes:
        self._count()
        return await super().get(key)

    async def page(self, prefix: str, *, after: str = "", limit: int = 1_000) -> list[str]:
        self._count()
        return await super().page(prefix, after=after, limit=limit)

    def _count(self) -> None:
        self.calls += 1
        if self.is_away:
            raise StoreDown("The store is away.")


@pytest.fixture
def store(tmp_path: Path) -> CountedStore:
    return CountedStore(tmp_path / "store", deadline_seconds=10)


async def made(store: CountedStore) -> str:
    key = api_keys.key_of(api_keys.new_token(), name="test", scopes=("read",))
    await api_keys.add(store, key)
    return key.key_id


async def test_a_thousand_unknown_keys_cost_a_listing_or_two(store: CountedStore) -> None:
    directory = KeyDirectory(store)
    found = await asyncio.gather(*(directory.find(f"{number:012x}") for number in range(1_000)))
    assert set(found) == {None}
    assert store.calls <= 2


async def test_a_key_that_was_just_made_is_found(store: CountedStore) -> None:
    directory = KeyDirectory(store)
    for _ in range(3):
        assert await directory.find("f" * 12) is None
        key_id = await made(store)
        found = await directory.find(key_id)
        assert found is not None
        assert found.key_id == key_id


async def test_many_requests_with_one_key_read_it_once(store: CountedStore) -> None:
    key_id = await made(store)
    directory = KeyDirectory(store)
    await asyncio.gather(*(directory.find(key_id) for _ in range(500)))
    assert store.calls <= 2


async def test_a_key_in_use_is_good_while_the_store_is_away(
    store: CountedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id = await made(store)
    directory = KeyDirectory(store)
    monkeypatch.setattr(key_directory, "REMEMBERED_SECONDS", 0.0)
    assert await directory.find(key_id) is not None
    store.is_away = True
    calls = store.calls
    assert await directory.find(key_id) is not None
    assert store.calls > calls, "it has tried"

    monkeypatch.setattr(key_directory, "STALE_SECONDS", 0.0)
    with pytest.raises(StoreDown):
        await directory.find(key_id)
    with pytest.raises(StoreDown):
        await directory.find("e" * 12)


async def test_a_revoked_key_is_soon_known_as_revoked(store: CountedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    key_id = await made(store)
    directory = KeyDirectory(store)
    assert await directory.find(key_id) is not None
    await api_keys.revoke(store, key_id)
    monkeypatch.setattr(key_directory, "REMEMBERED_SECONDS", 0.0)
    found = await directory.find(key_id)
    assert found is not None
    assert found.revoked_at is not None
