"""The audit log in the store: in order, in pages, never changed, removed by the day."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from services.gateway import audit
from services.gateway.access import Caller
from services.gateway.app import build
from shared.client import audit_log
from shared.client.audit_log import AuditIntent, AuditOutcome
from shared.errors import Conflict, NotFound, StoreDown
from shared.settings import Settings
from shared.store import keys
from shared.store.folder import FileStore

DAY_SECONDS = 86_400


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "store", deadline_seconds=10)


def record_id(moment: float, number: int = 0) -> str:
    """A UUIDv7 of another time."""
    digits = f"{int(moment * 1_000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


async def began(store: FileStore, moment: float, number: int = 0) -> AuditIntent:
    intent = AuditIntent(
        record_id=record_id(moment, number),
        at=moment,
        key_id="0123456789ab",
        key_name="test",
        action="job.cancel",
        target=f"job-{number}",
        request_id="r",
    )
    await audit_log.begin(store, intent)
    return intent


async def test_pages_go_back_over_days_and_miss_nothing(store: FileStore) -> None:
    now = 1_800_000_000.0
    written = [(await began(store, now - age * DAY_SECONDS / 3, age)).record_id for age in range(10)]
    await audit_log.end(store, AuditOutcome(record_id=written[4], at=now, outcome="done"))

    found, before = [], ""
    while True:
        page = await audit_log.page(store, limit=3, before=before)
        found += page.records
        if page.next is None:
            break
        before = page.next
    assert [record.intent.record_id for record in found] == written
    assert [record.outcome is not None for record in found] == [index == 4 for index in range(10)]

    some = await audit_log.page(store, limit=100, since=now - DAY_SECONDS, until=now)
    assert [record.intent.target for record in some.records] == ["job-1", "job-2", "job-3"]


async def test_a_record_is_never_changed(store: FileStore) -> None:
    intent = await began(store, time.time())
    with pytest.raises(Conflict):
        await audit_log.begin(store, intent)
    await audit_log.end(store, AuditOutcome(record_id=intent.record_id, at=1.0, outcome="done"))
    with pytest.raises(Conflict):
        await audit_log.end(store, AuditOutcome(record_id=intent.record_id, at=1.0, outcome="failed"))


async def test_only_whole_days_that_are_old_enough_are_removed(store: FileStore) -> None:
    now = time.time()
    for age in (0.0, 1.0, 3.5, 30.0):
        await began(store, now - age * DAY_SECONDS)
    assert await audit_log.prune(store, older_than_seconds=2 * DAY_SECONDS) == 2
    assert len((await audit_log.page(store, limit=10)).records) == 2


async def test_what_a_stranger_puts_beside_the_records_is_no_record(store: FileStore) -> None:
    await began(store, time.time())
    for name in ("audit/2026-11-24/x.json", "audit/zzz/y", f"{keys.AUDIT}2026-11-24/{record_id(1.8e9)}.json"):
        await store.put(name, b"{}")
    assert len((await audit_log.page(store, limit=10)).records) == 1


def request_to(store_url: str) -> Request:
    app, _ = build(Settings(store_url=store_url))
    request = Request({"type": "http", "app": app, "headers": [], "state": {}, "path": "/", "method": "POST"})
    request.state.caller = Caller("0123456789ab", "test", frozenset({"operate"}), 100)
    request.state.request_id = "my-request"
    return request


@pytest.mark.parametrize(
    ("error", "results", "outcome"),
    [
        (None, {"count": 3}, "done"),
        (NotFound("There is no job x."), {}, "refused"),
        (NotFound("There is no job x."), {"count": 1}, "failed"),
        (StoreDown("The store is away."), {}, "failed"),
        (ZeroDivisionError(), {}, "failed"),
    ],
)
async def test_what_became_of_an_action_is_recorded(
    tmp_path: Path, error: Exception | None, results: dict[str, Any], outcome: str
) -> None:
    url = (tmp_path / "store").as_uri()
    expected = contextlib.nullcontext() if error is None else pytest.raises(type(error))
    with expected:
        async with audit.record(request_to(url), "job.cancel", "job\n1", purge=True) as found:
            found.update(results)
            if error is not None:
                raise error
    (record,) = (await audit_log.page(FileStore(tmp_path / "store", deadline_seconds=10), limit=10)).records
    assert (record.intent.target, record.intent.details, record.intent.request_id) == (
        "job 1",
        {"purge": True},
        "my-request",
    )
    assert record.outcome is not None
    assert (record.outcome.outcome, record.outcome.results) == (outcome, results)


async def test_nothing_is_done_that_cannot_be_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise StoreDown("The store is away.")

    monkeypatch.setattr(audit_log, "begin", away)
    was_done = False
    with pytest.raises(StoreDown):
        async with audit.record(request_to((tmp_path / "store").as_uri()), "job.cancel", "job-1"):
            was_done = True
    assert not was_done
