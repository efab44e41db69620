"""Snapshots of the active jobs: shared for a moment, and never of a log that was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.gateway import event_log
from services.gateway.event_log import Change, Log
from services.gateway.event_snapshot import Snapshots
from shared.store.folder import FileStore


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path, deadline_seconds=20)


def lose(log: Log, name: str) -> None:
    """The broker's log was lost and begun again with one change, `name`."""
    log.reread([Change(event_log.identity(0, name.encode()), name.encode())])


async def test_clients_that_come_together_share_a_snapshot(store: FileStore) -> None:
    snapshots = Snapshots(store, Log())
    assert await snapshots.latest() is await snapshots.latest()


async def test_one_from_before_the_log_was_lost_is_not_shared(store: FileStore) -> None:
    log = Log()
    lose(log, "first")
    snapshots = Snapshots(store, log)
    before = await snapshots.latest()
    lose(log, "second")
    after = await snapshots.latest()

    assert (before.generation, after.generation) == (0, 1)
    assert after.identity == log.latest != before.identity


class LosesItsLog(FileStore):
    """A test double: while it is listed for the first time, the log is lost."""

    log: Log
    listings = 0

    async def list(self, prefix: str) -> AsyncIterator[str]:
        self.listings += 1
        if self.listings == 1:
            lose(self.log, "second")
        async for key in super().list(prefix):
            yield key


async def test_one_during_which_the_log_was_lost_is_taken_again(tmp_path: Path) -> None:
    store = LosesItsLog(tmp_path, deadline_seconds=20)
    store.log = Log()
    lose(store.log, "first")
    snapshot = await Snapshots(store, store.log).latest()

    assert (snapshot.generation, snapshot.identity) == (1, store.log.latest)
    assert store.listings > 1
