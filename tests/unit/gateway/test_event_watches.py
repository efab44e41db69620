"""What watching a job costs the store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.gateway.event_watches import Watches
from shared.errors import NotFound
from shared.protocol.messages import new_job_id
from tests.unit.coordinator.counting_store import CountingStore

pytestmark = pytest.mark.anyio


async def test_an_unknown_job_costs_one_look_however_many_ask_for_it_at_once(tmp_path: Path) -> None:
    """It used to cost four, over two seconds."""
    store = CountingStore(tmp_path)
    watches = Watches(store, look_seconds=10, is_hearing=lambda: True)
    job_id = new_job_id()

    async def ask() -> None:
        with pytest.raises(NotFound, match=job_id):
            async with watches.opened(job_id, asyncio.Event()):
                raise AssertionError("there is no such job")

    await asyncio.gather(*(ask() for _ in range(50)))
    assert store.calls == {"get": 2}, "its status, and what was asked of it"
    assert watches.of(job_id) is None
