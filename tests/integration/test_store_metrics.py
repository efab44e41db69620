"""Every call of a store is measured with its outcome, in the folder as in S3."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from shared.errors import Conflict, NotFound
from shared.settings import Settings
from shared.store.port import open_store


def count(operation: str, outcome: str) -> float:
    labels = {"operation": operation, "outcome": outcome}
    return REGISTRY.get_sample_value("podcast_store_call_seconds_count", labels) or 0.0


async def test_every_call_has_its_outcome(store_url: str) -> None:
    store = open_store(Settings(store_url=store_url))
    kinds = [
        *(("ping", "ok"), ("write", "ok"), ("write", "conflict"), ("read", "ok"), ("read", "missing")),
        *(("look up", "ok"), ("look up", "missing"), ("list", "ok"), ("delete", "ok")),
        ("abort", "ok"),
    ]
    before = {kind: count(*kind) for kind in kinds}
    await store.ping()
    await store.put("a/one", b"1")
    await store.create("a/two", b"2")
    with pytest.raises(Conflict):
        await store.create("a/two", b"3")
    await store.get("a/one")
    with pytest.raises(NotFound):
        await store.get("a/none")
    assert await store.exists("a/one")
    assert not await store.exists("a/none")
    assert [key async for key in store.list("a/")] == ["a/one", "a/two"]
    async with store.upload("a/three") as upload:
        await upload.add(1, b"3")
    await store.delete("a/one")
    gained = {kind: count(*kind) - before[kind] for kind in kinds}
    assert gained == dict.fromkeys(kinds, 1) | {("write", "ok"): 4}, "put, create, begin an upload, add a part"


async def test_a_store_that_is_down_is_an_outcome(unused_tcp_port: int) -> None:
    url = f"s3://key:secret@127.0.0.1:{unused_tcp_port}/bucket?secure=false"
    store = open_store(Settings(store_url=url, store_deadline_seconds=2))
    before = count("read", "down")
    with pytest.raises(Exception, match="127"):
        await store.get("a/one")
    assert count("read", "down") == before + 1
