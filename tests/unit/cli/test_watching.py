"""Following a job: the store is authoritative, events are only faster."""

from __future__ import annotations

import asyncio
import time

import pytest

from shared.client import watching
from shared.client.watching import follow, known, look
from shared.errors import BadInput, DeadlineExceeded, NotFound, StoreDown
from shared.protocol.messages import JobRequest, JobStatus, TextSource
from shared.store import keys
from shared.store.port import Store
from tests.unit.cli.conftest import a_status


async def put_status(store: Store, status: JobStatus) -> None:
    await store.put(keys.status(status.job_id), status.model_dump_json().encode())


async def followed(store: Store, events: asyncio.Queue[JobStatus], *, limit_seconds: float = 60) -> list[JobStatus]:
    statuses = follow("j", store=store, events=events, limit_seconds=limit_seconds, say=lambda _: None)
    return [status async for status in statuses]


async def test_a_job_that_has_ended_is_told_once(store: Store) -> None:
    await put_status(store, a_status("j"))
    assert await followed(store, asyncio.Queue()) == [a_status("j")]


async def test_events_tell_between_two_looks(store: Store) -> None:
    await put_status(store, a_status("j", "synthesizing", updated_at=2.0))
    events: asyncio.Queue[JobStatus] = asyncio.Queue()
    stale, fresh = (a_status("j", "synthesizing", updated_at=at) for at in (1.0, 3.0))
    events.put_nowait(stale)
    events.put_nowait(fresh)

    seen = []
    async for status in follow("j", store=store, events=events, limit_seconds=60, say=lambda _: None):
        seen.append(status)
        if status == fresh:
            await put_status(store, a_status("j", updated_at=4.0))

    assert seen == [
        a_status("j", "synthesizing", updated_at=2.0),
        fresh,
        a_status("j", updated_at=4.0),
    ]


async def test_the_end_is_told_by_the_store_at_once_when_an_event_announces_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "POLL_SECONDS", 30.0)
    await put_status(store, a_status("j", "synthesizing"))
    events: asyncio.Queue[JobStatus] = asyncio.Queue()

    started = time.monotonic()
    last = None
    async for last in follow("j", store=store, events=events, limit_seconds=60, say=lambda _: None):
        if last.state == "synthesizing":
            await put_status(store, a_status("j", "failed", error="from the store", updated_at=3.0))
            events.put_nowait(a_status("j", "failed", error="from the event", updated_at=3.0))
    assert last is not None
    assert last.error == "from the store"
    assert time.monotonic() - started < 10, "it did not wait for the next look"


async def test_a_job_that_nothing_works_on_is_not_followed_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LATE_SECONDS", 0.0)
    await put_status(store, a_status("j", "queued"))
    with pytest.raises(DeadlineExceeded, match="has not ended long after its deadline"):
        await followed(store, asyncio.Queue(), limit_seconds=0.2)


async def test_a_store_that_is_away_for_a_moment_is_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await put_status(store, a_status("j"))
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.01)
    away = [StoreDown("The store is away.")] * 3
    real = store.get

    async def get(key: str) -> bytes:
        if away:
            raise away.pop()
        return await real(key)

    monkeypatch.setattr(store, "get", get)
    said: list[str] = []

    statuses = follow("j", store=store, events=asyncio.Queue(), limit_seconds=60, say=said.append)
    assert [status async for status in statuses] == [a_status("j")]
    assert said == ["The store is away. The job goes on by itself; waiting for the store."]


async def test_a_job_nobody_has_taken_yet_is_queued(store: Store) -> None:
    request = JobRequest(job_id="j", source=TextSource(text="x"), title="Later")
    await store.put(keys.request("j"), request.model_dump_json().encode())
    status = await look(store, "j")
    assert status is not None
    assert (status.state, status.title) == ("queued", "Later")


async def test_an_unknown_job_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_FIRST_LOOK_SECONDS", 0.0)
    with pytest.raises(NotFound, match="There is no job nope"):
        await known(store, "nope")
    with pytest.raises(BadInput, match="cannot be the id of a job"):
        await known(store, "../status")
