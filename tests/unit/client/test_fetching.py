"""Files of an episode appear together, or not at all."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from shared.client.fetching import put_together
from shared.deadlines import in_thread
from tests.unit.cli.conftest import a_status
from tests.unit.cli.test_destinations import everything_below
from tests.waiting import LIMIT_SECONDS, until


async def test_cancelled_while_a_thread_makes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, removing, over = threading.Event(), threading.Event(), threading.Event()

    def make(folder: Path) -> list[Path]:
        (folder / "first").touch()
        begun.set()
        try:
            assert removing.wait(LIMIT_SECONDS)
            (folder / "second").touch()
        finally:
            over.set()
        return [folder / "first", folder / "second"]

    async def fill(folder: Path) -> list[Path]:
        return await in_thread(partial(make, folder))

    def rmdir(real: Callable[..., None], *arguments: object, **options: object) -> None:
        """The thread makes a file between the last look into a folder and its removal."""
        removing.set()
        assert over.wait(LIMIT_SECONDS)
        real(*arguments, **options)

    monkeypatch.setattr(os, "rmdir", partial(rmdir, os.rmdir))
    task = asyncio.create_task(put_together(fill, tmp_path / "book", a_status("j")))
    await until(begun.is_set, "the first file")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert over.is_set()
    assert everything_below(tmp_path) == []
