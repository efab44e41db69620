"""Snapshots of the active jobs: shared for a moment, and never of a log that was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.gateway import event_log
from services.gateway.event_log import Change, Log
from services.gateway.event_snapshot import Snapshots
from shared.settings import Settings
from shared.store.port import Store, open_store


@pytest.fixture
def store(file_store_url: str) -> Store:
    return open_store(Settings(store_url=file_store_url))


def lose(log: Log, name: str) -> None:
    """The broker's log was lost and begun again with one change, `name`."""
    log.reread([Change(event_log.identity(0, name.encode()), name.encode())])


async def test_clients_that_come_together_share_a_snapshot(store: Store) -> None:
    snapshots = Snapshots(store, Log())
    assert await snapshots.latest() is await snapshots.latest()


async def test_one_from_before_the_log_was_lost_is_not_shared(store: Store) -> None:
    log = Log()
    lose(log, "first")
    snapshots = Snapshots(store, log)
    before = await snapshots.latest()
    lose(log, "second")
    after = await snapshots.latest()

    assert (before.generation, after.generation) == (0, 1)
    assert after.identity == log.latest != before.identity


class _LosesItsLog:
    """A store, read while the log is lost."""

    def __init__(self, store: Store, log: Log) -> None:
        self._store = store
        self._log = log
        self.listings = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def list(self, *arguments: object, **options: object) -> AsyncIterator[str]:
        self.listings += 1
        if self.listings == 1:
            lose(self._log, "second")
        async for key in self._store.list(*arguments, **options):  # type: ignore[arg-type]
            yield key


async def test_one_during_which_the_log_was_lost_is_taken_again(store: Store) -> None:
    log = Log()
    lose(log, "first")
    read = _LosesItsLog(store, log)
    snapshot = await Snapshots(read, log).latest()  # type: ignore[arg-type]

    assert (snapshot.generation, snapshot.identity) == (1, log.latest)
    assert read.listings > 1
