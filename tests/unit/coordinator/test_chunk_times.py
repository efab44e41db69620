"""When chunks were requested and made: what people see, and nothing that a job depends on."""

from __future__ import annotations

import pytest

from services.coordinator import clock
from services.coordinator.chunk_times import TimesKept, write
from shared.errors import StoreDown
from shared.protocol.chunk_times import ChunkTimes
from shared.store import keys
from tests.unit.coordinator.harness import Harness

STEP_SECONDS = 10.0


@pytest.fixture(autouse=True)
def time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is 10 s after the one before."""
    now = 1_000_000.0

    def look() -> float:
        nonlocal now
        now += STEP_SECONDS
        return now

    monkeypatch.setattr(clock, "now", look)


async def record(harness: Harness) -> ChunkTimes:
    return ChunkTimes.model_validate_json(await harness.store.get(keys.chunk_times("job")), strict=False)


async def test_the_record_of_a_job_that_has_ended_says_when_each_chunk_was_under_way(harness: Harness) -> None:
    await harness.submit("abc")
    for index, text in enumerate("abc"):
        await harness.spoken(index, text)
    await harness.assembled()
    found = await record(harness)
    assert len(found.requested) == 3
    assert all(0 <= requested < finished for requested, finished in zip(found.requested, found.finished, strict=True))
    assert found.finished[0] <= found.requested[2], "the third was requested when there was room for it"
    assert found.spoken == (0.1, 0.1, 0.1)
    assert found.tries == (1, 1, 1)
    assert found.began_at == (await harness.status()).submitted_at


async def test_a_chunk_that_failed_says_how_often_it_was_tried_and_a_resumed_job_begins_anew(harness: Harness) -> None:
    await harness.fails_for_its_second_chunk()
    failed = await record(harness)
    assert failed.finished[1] > failed.requested[1]
    assert failed.spoken[1] == -1
    await harness.resume()
    await harness.spoken(1, "b")
    await harness.assembled()
    found = await record(harness)
    assert found.began_at == (await harness.status()).resumed_at
    assert found.requested[0] == -1, "it was made in the run before"
    assert found.finished[1] > found.requested[1] >= 0


async def test_a_coordinator_that_starts_goes_on_with_the_record(harness: Harness) -> None:
    await harness.submit("abc")
    await harness.spoken(0, "a")
    job = harness.jobs.cached("job")
    assert job is not None
    assert job.times is not None
    before = job.times.record()
    await harness.store.put(keys.chunk_times("job"), before.model_dump_json().encode())
    harness.restart()
    for index, text in ((1, "b"), (2, "c")):
        await harness.spoken(index, text)
    await harness.assembled()
    found = await record(harness)
    assert (found.requested[0], found.finished[0]) == (before.requested[0], before.finished[0])


async def test_a_store_that_takes_no_times_costs_the_job_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = harness.store.put
    refused = 0

    async def no_times(key: str, data: bytes, **options: str) -> None:
        nonlocal refused
        if key == keys.chunk_times("job"):
            refused += 1
            raise StoreDown("The store does not answer.")
        await put(key, data, **options)

    monkeypatch.setattr(harness.store, "put", no_times)
    await harness.submit("a")
    await harness.spoken(0, "a")
    await harness.assembled()
    assert refused
    assert (await harness.status()).state == "completed"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]"])
async def test_a_record_that_cannot_be_read_is_begun_anew(harness: Harness, data: bytes) -> None:
    await harness.store.put(keys.chunk_times("job"), data)
    kept = TimesKept("job", 2, began_at=5.0)
    kept.requested([1])
    await write(harness.store, kept)
    assert (await record(harness)).requested[0] == -1


def test_a_record_of_another_run_or_another_number_of_chunks_says_nothing() -> None:
    other = TimesKept("job", 2, began_at=5.0)
    other.requested([0])
    for kept in (TimesKept("job", 3, began_at=5.0), TimesKept("job", 2, began_at=6.0)):
        kept.fill(other.record())
        assert set(kept.record().requested) == {-1.0}
