"""A restarted coordinator resumes work with a bounded number of calls to the store."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from services.coordinator import plan
from services.coordinator.progress import Progress
from shared.protocol.messages import JobStatus
from shared.store import keys
from shared.store.queue_states import PAUSABLE
from tests.audio_keys import audio_key_of
from tests.manifests import manifest
from tests.unit.coordinator.counting_store import CountingStore
from tests.unit.coordinator.harness import Harness

BOOK_CHUNKS = 20_000
BOOK_FINISHED = 12_345
JOBS = 1_000
CALLS_A_JOB = 3
STORE_CALLS = 1_000
WORKING_SECONDS = 10.0


async def book(harness: Harness, finished: int) -> None:
    """Store a job of 20,000 chunks as a killed coordinator leaves it: its documents in the store and nothing else."""
    made = manifest([f"{number}" for number in range(BOOK_CHUNKS)], job_id="book", max_parallel=5)
    progress = Progress(made, plan.of(made))
    for chunk in made.chunks[:finished]:
        progress.finish(chunk.audio_key)
    await store_job(harness, "book", progress)


async def store_job(harness: Harness, job_id: str, progress: Progress) -> None:
    now = time.time()
    status = JobStatus(
        job_id=job_id,
        state="synthesizing",
        submitted_at=now,
        updated_at=now,
        chunks=progress.counts,
        finished=progress.checkpoints,
    )
    await harness.store.put(keys.request(job_id), progress.manifest.request.model_dump_json().encode())
    await harness.store.put(keys.manifest(job_id), progress.manifest.model_dump_json().encode())
    await harness.store.put(keys.status(job_id), status.model_dump_json().encode())
    await harness.store.put(keys.active(job_id), b"")


async def test_a_book_of_20000_chunks_is_taken_up_with_a_handful_of_calls(tmp_path: Path) -> None:
    """It used to take one call per chunk, one job at a time."""
    store = CountingStore(tmp_path)
    harness = Harness(tmp_path, store=store)
    await book(harness, BOOK_FINISHED)
    store.calls.clear()
    started = time.monotonic()
    await harness.reconcile()
    assert harness.requests() == list(range(BOOK_FINISHED, BOOK_FINISHED + 5))
    assert time.monotonic() - started < WORKING_SECONDS
    assert store.total <= 5 + len(PAUSABLE), store.calls
    assert store.total <= STORE_CALLS


async def test_the_status_of_a_book_stays_small(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    for finished in (0, BOOK_FINISHED, BOOK_CHUNKS):
        await book(harness, finished)
        assert len(await harness.store.get(keys.status("book"))) < 5_000
    scattered = manifest([f"{number}" for number in range(BOOK_CHUNKS)])
    progress = Progress(scattered, plan.of(scattered))
    for chunk in scattered.chunks:
        if hash((chunk.index, "by chance")) % 2:
            progress.finish(chunk.audio_key)
    assert len(progress.checkpoints[plan.CHUNK]) < 4_000, "whatever is finished of it"


async def test_1000_active_jobs_are_taken_up_with_three_calls_each(tmp_path: Path) -> None:
    store = CountingStore(tmp_path)
    harness = Harness(tmp_path, store=store)
    for number in range(JOBS):
        made = manifest("abc", job_id=f"job-{number:04}", max_parallel=2)
        await store_job(harness, f"job-{number:04}", Progress(made, plan.of(made)))
    store.calls.clear()
    await harness.reconcile()
    asked = harness.wanted()
    assert {request.job_id for request in asked} == {f"job-{number:04}" for number in range(JOBS)}
    assert len(asked) == 2 * JOBS
    assert store.total <= CALLS_A_JOB * JOBS + 10, store.calls
    store.calls.clear()
    await harness.reconcile()
    assert harness.requests() == []
    assert store.total <= 3 + len(PAUSABLE), "what is known and moves costs a look at the list"


async def test_messages_of_other_jobs_are_handled_while_1000_are_taken_up(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    for number in range(JOBS // 4):
        made = manifest("abc", job_id=f"job-{number:04}", max_parallel=2)
        await store_job(harness, f"job-{number:04}", Progress(made, plan.of(made)))
    taking_up = asyncio.create_task(harness.reconcile())
    await harness.submit("ab", job_id="new")
    await harness.spoken(0, "a", job_id="new")
    assert not taking_up.done(), "or this test shows nothing"
    await taking_up


async def test_a_checkpoint_that_is_damaged_or_of_another_plan_is_no_hint(harness: Harness) -> None:
    made = manifest("abcdefghi", max_parallel=3)
    for hint in (
        "",
        "no base64 !",
        "AAAA",
        Progress(manifest("ab"), plan.of(manifest("ab"))).tallies["chunk"].checkpoint(),
    ):
        progress = Progress(made, plan.of(made), checkpoints={plan.CHUNK: hint, "a kind of the future": hint})
        assert [request.index for request in progress.take()] == [0, 1, 2]  # type: ignore[attr-defined] # chunks
    del harness


async def test_a_status_from_before_checkpoints_has_every_chunk_asked_for_again(harness: Harness) -> None:
    """The synthesizers find the audio: it costs messages but no speech."""
    made = manifest("abc", max_parallel=3)
    progress = Progress(made, plan.of(made))
    await store_job(harness, "job", progress)
    for text in "ab":
        await harness.store.put(audio_key_of(text), b"sound")
    await harness.reconcile()
    assert harness.requests() == [0, 1, 2]
