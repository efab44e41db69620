"""The index of a backup, used by many threads at once, as a restore uses it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.client.backup.index import Index, Saved

KEYS = [f"jobs/{number:05}/status.json" for number in range(4_000)]
THREADS = 8


def index_of(folder: Path) -> Index:
    made = Index(folder / "index.sqlite")
    made.record([Saved(key, 1, "tag", "digest") for key in KEYS], run=1)
    made.close()
    return Index(folder / "index.sqlite", read_only=True)


def test_every_thread_finds_what_it_asked_for(tmp_path: Path) -> None:
    """Python 3.13 gives one cached statement to two threads: without a lock this test fails or crashes there."""
    index = index_of(tmp_path)
    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(lambda key: list(index.known([key])), KEYS))
    assert found == [[key] for key in KEYS]
    index.close()


def test_it_is_not_closed_in_the_middle_of_a_change(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.sqlite")
    begun, going_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[Saved]:
        begun.set()
        assert going_on.wait(30)
        for key in KEYS:
            yield Saved(key, 1, "tag", "digest")

    with ThreadPoolExecutor(2) as threads:
        recorded = threads.submit(index.record, slowly(), run=1)
        assert begun.wait(30)
        closed = threads.submit(index.close)
        going_on.set()
        recorded.result(30)
        closed.result(30)
    assert Index(tmp_path / "index.sqlite", read_only=True).total() == (len(KEYS), len(KEYS))
