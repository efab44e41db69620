"""Jobs are removed completely, even after an interrupted removal, and audio only when no job refers to it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.coordinator import retention
from shared.client import deleting, submission
from shared.client.deleting import NotEnded, delete_job
from shared.client.documents import Document
from shared.client.job_pages import jobs_page
from shared.client.pruning import prune
from shared.client.submission import JobDeleted
from shared.client.sweeping import SAFE_MARGIN_SECONDS, sweep
from shared.client.watching import look
from shared.errors import NotFound, StoreDown
from shared.protocol.messages import (
    TERMINAL_STATES,
    JobRequest,
    JobState,
    JobStatus,
    Message,
    TextSource,
    new_job_id,
)
from shared.settings import Settings
from shared.store import keys
from shared.store.folder import FileStore
from shared.store.port import PAGE, Entries, Store, open_store
from tests.waiting import until

_DAY_SECONDS = 86_400.0


@pytest.fixture
async def store(store_url: str) -> Store:
    opened = open_store(Settings(store_url=store_url))
    await opened.ping()
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "folder", deadline_seconds=20)


def audio_key(text: str) -> str:
    return f"audio/{hashlib.sha256(text.encode()).hexdigest()}.flac"


async def put_job(
    store: Store, job_id: str, state: JobState = "completed", *, days: float = 0.0, chunks: tuple[str, ...] = ()
) -> None:
    """Store a job that reached this state `days` days ago, with the audio of its chunks."""
    at = time.time() - days * _DAY_SECONDS
    status = JobStatus(job_id=job_id, state=state, submitted_at=at, updated_at=at)
    request = JobRequest(job_id=job_id, source=TextSource(text="x"))
    objects = {
        keys.request(job_id): request.model_dump_json(),
        keys.source(job_id, "document.md"): "document",
        keys.manifest(job_id): json.dumps({"chunks": [{"audio_key": audio_key(chunk)} for chunk in chunks]}),
        keys.episode(job_id, "mp3"): "episode",
        keys.status(job_id): status.model_dump_json(),
        **{audio_key(chunk): chunk for chunk in chunks},
    }
    if state not in TERMINAL_STATES:
        objects[keys.active(job_id)] = ""
    for key, content in objects.items():
        await store.put(key, content.encode())


async def everything(store: Store) -> list[str]:
    """All that the store has, but for the marks that outlive deleted jobs."""
    return [key async for key in store.list("") if not key.startswith(keys.DELETED)]


# ---------------------------------------------------------------- one job


async def test_a_job_that_has_ended_is_removed_whole_and_nothing_else(store: Store) -> None:
    await put_job(store, "j", "failed", chunks=("shared", "own"))
    await put_job(store, "j-2", chunks=("shared",))
    await put_job(store, "k", "synthesizing")
    rest = [key for key in await everything(store) if not key.startswith("jobs/j/")]
    await store.put(keys.active("j"), b"")  # killed before it removed the active mark
    sizes = [entry.size_bytes for entry in await store.entries("jobs/j/")]
    removed = await delete_job(store, "j")
    assert (removed.objects, removed.size_bytes) == (5, sum(sizes))
    assert await everything(store) == rest
    assert await store.exists(keys.deleted("j"))
    assert [status.job_id for status in (await jobs_page(store)).jobs] == ["k", "j-2"]
    with pytest.raises(NotFound, match="no job j"):
        await delete_job(store, "j")


@pytest.mark.parametrize("state", ["chunking", "synthesizing", "assembling"])
async def test_a_job_that_has_not_ended_is_left_alone(store: Store, state: JobState) -> None:
    await put_job(store, "j", state)
    before = await everything(store)
    with pytest.raises(NotEnded, match="--cancel"):
        await delete_job(store, "j")
    await store.delete(keys.status("j"))
    with pytest.raises(NotEnded, match="queued"):
        await delete_job(store, "j")
    assert await everything(store) == [key for key in before if key != keys.status("j")]


async def test_a_job_whose_status_cannot_be_read_can_be_removed(store: Store) -> None:
    await put_job(store, "j")
    await store.put(keys.status("j"), b"no status")
    await delete_job(store, "j")
    assert await everything(store) == []


class Dying(FileStore):
    """The process dies before deletion number `at`."""

    def __init__(self, root: Path, at: int) -> None:
        super().__init__(root, deadline_seconds=20)
        self.left = at

    async def delete(self, key: str) -> None:
        if self.left == 0:
            raise StoreDown("The process was killed here.")
        self.left -= 1
        await super().delete(key)


@pytest.mark.parametrize("step", range(6))
async def test_a_removal_that_is_cut_short_leaves_an_ended_job_that_the_next_one_removes(
    folder: FileStore, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(deleting, "_CALLS_AT_A_TIME", 1)
    await put_job(folder, "j", "failed")
    await folder.put(keys.active("j"), b"")
    with pytest.raises(StoreDown):
        await delete_job(Dying(folder.root, step), "j")
    status = await look(folder, "j")
    assert status is not None
    assert status.state == "failed"
    assert await folder.exists(keys.active("j")) == (step == 0)
    await delete_job(folder, "j")
    assert await everything(folder) == []


async def test_the_mark_of_a_deleted_job_outlives_every_message_and_no_longer(folder: FileStore) -> None:
    await put_job(folder, "j", "failed")
    await delete_job(folder, "j")
    await prune(folder, older_than_seconds=_DAY_SECONDS, job_deadline_seconds=60)
    assert await folder.exists(keys.deleted("j"))
    week_seconds = deleting.UNANNOUNCED_SECONDS
    path = folder.root / keys.deleted("j")
    os.utime(path, (time.time() - week_seconds - 1,) * 2)
    await prune(folder, older_than_seconds=_DAY_SECONDS, job_deadline_seconds=60)
    assert not await folder.exists(keys.deleted("j"))


async def test_the_id_of_a_deleted_job_cannot_be_used_again(store: Store) -> None:
    await put_job(store, "j", "failed")
    await delete_job(store, "j")
    job = submission.draft(
        submission.Order(job_id="j"), Document("a.txt", b"Hello.", "text", "Hello."), text_limit_characters=100
    )

    async def publish(message: Message) -> None:
        raise AssertionError(f"published {message}")

    with pytest.raises(JobDeleted, match="was deleted"):
        await submission.hand_over(job, store=store, publish=publish)


# ---------------------------------------------------------------- many jobs


async def test_jobs_that_ended_long_ago_are_removed_and_others_are_not(store: Store) -> None:
    old, young = "0" + new_job_id(), new_job_id()
    await put_job(store, old, "completed", days=31)
    await put_job(store, "old-failed", "failed", days=40, chunks=("a",))
    await put_job(store, "old-cancelled", "cancelled", days=30.5)
    await put_job(store, young, "completed", days=29)
    await put_job(store, "still-running", "synthesizing", days=50, chunks=("b",))
    await put_job(store, "damaged", days=50)
    await store.put(keys.status("damaged"), b"no status")
    before = await everything(store)

    tried = await prune(store, older_than_seconds=30 * _DAY_SECONDS, job_deadline_seconds=60, dry_run=True)
    assert await everything(store) == before
    done = await prune(store, older_than_seconds=30 * _DAY_SECONDS, job_deadline_seconds=60)
    assert tried == done
    assert set(done.ids) == {old, "old-failed", "old-cancelled"}
    assert done.jobs.objects == 15
    assert await everything(store) == [key for key in before if key.split("/")[1] not in done.ids]


async def test_a_job_that_began_lately_is_not_even_read(folder: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await put_job(folder, new_job_id(), days=100)  # its status is not read
    await put_job(folder, f"ffff{new_job_id()[4:]}", days=100)  # an id from the future proves nothing
    read: list[str] = []
    get = folder.get

    async def noted(key: str) -> bytes:
        read.append(key)
        return await get(key)

    monkeypatch.setattr(folder, "get", noted)
    done = await prune(folder, older_than_seconds=30 * _DAY_SECONDS, job_deadline_seconds=60, dry_run=True)
    [removed] = done.ids
    assert removed[:4] == "ffff"
    assert read == [keys.status(removed), keys.request(removed)]  # the request: whether a show keeps it


async def test_remains_of_jobs_that_never_came_to_be_are_removed_when_they_are_old(folder: FileStore) -> None:
    request = JobRequest(job_id="unannounced", source=TextSource(text="x")).model_dump_json().encode()
    await folder.put(keys.request("unannounced"), request)
    await folder.put(keys.source("only-a-document", "document.md"), b"x")
    await folder.put(keys.episode("came-after-its-removal", "mp3"), b"x")
    await folder.put(keys.request("just-taken"), request)
    await folder.put(keys.active("just-taken"), b"")

    async def pruned() -> set[str]:
        return set((await prune(folder, older_than_seconds=60, job_deadline_seconds=60)).ids)

    grow_older(folder, "jobs/", days=6)
    assert await pruned() == set()
    grow_older(folder, "jobs/", days=8)
    assert await pruned() == {"unannounced", "only-a-document", "came-after-its-removal"}
    assert await folder.exists(keys.request("just-taken"))


def grow_older(folder: FileStore, prefix: str, *, days: float) -> None:
    """Make files look as if they were written `days` days ago."""
    at = time.time() - days * _DAY_SECONDS
    for path in (folder.root / prefix).rglob("*"):
        os.utime(path, (at, at))


# ---------------------------------------------------------------- audio


async def test_audio_that_no_job_refers_to_is_swept(store: Store) -> None:
    await put_job(store, "j", chunks=("one", "two"))
    await put_job(store, "k", "synthesizing", chunks=("two", "three"))
    await store.put(audio_key("four"), b"1234")
    await store.put(f"{audio_key('four').removesuffix('.flac')}/segment.mp3", b"56")
    await store.put(f"{audio_key('one').removesuffix('.flac')}/segment.mp3", b"78")
    kept = [key for key in await everything(store) if audio_key("four")[:70] not in key]
    await _a_moment_later(store)

    tried = await sweep(store, safe_age_seconds=0, dry_run=True)
    assert (tried.objects, tried.size_bytes) == (2, 6)
    assert await sweep(store, safe_age_seconds=0) == tried
    assert await everything(store) == kept
    await delete_job(store, "j")
    assert (await sweep(store, safe_age_seconds=0)).objects == 2
    assert await store.page(keys.AUDIO) == sorted([audio_key("two"), audio_key("three")])


async def _a_moment_later(store: Store) -> None:
    """Wait until everything written is in the past by the store's clock, which may count in whole seconds."""
    entries = await store.entries("")
    newest = max(entry.modified for entry in entries)
    await until(lambda: time.time() > newest + 1, "a second")


async def test_young_audio_is_kept(store: Store) -> None:
    await store.put(audio_key("x"), b"x")
    assert (await sweep(store, safe_age_seconds=600)).objects == 0
    assert await store.exists(audio_key("x"))


async def test_audio_of_a_corrected_chunk_is_kept_with_its_job_and_removed_after_it(store: Store) -> None:
    await put_job(store, "j", chunks=("original",))
    await store.put(keys.corrected_manifest("j"), json.dumps({"audio_key": audio_key("corrected")}).encode())
    await store.put(audio_key("corrected"), b"x")
    assert (await sweep(store, safe_age_seconds=-60)).objects == 0
    await delete_job(store, "j")
    assert (await sweep(store, safe_age_seconds=-60)).objects == 2
    assert await everything(store) == []


async def test_audio_of_a_manifest_that_this_version_cannot_read_is_kept(folder: FileStore) -> None:
    for name in ("named", "unnamed"):
        await folder.put(audio_key(name), b"x")
    grow_older(folder, "audio/", days=9)
    await folder.put(keys.manifest("j"), b'{"version": 2, "pieces": {"sound": "' + audio_key("named").encode() + b'"}')
    assert (await sweep(folder, safe_age_seconds=60)).objects == 1
    assert await folder.exists(audio_key("named"))


async def test_nothing_is_swept_when_a_manifest_cannot_be_reached(
    folder: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_job(folder, "j", chunks=("one",))
    await folder.put(audio_key("two"), b"x")
    grow_older(folder, "audio/", days=9)

    async def down(key: str) -> bytes:
        raise StoreDown(f"no {key}")

    monkeypatch.setattr(folder, "get", down)
    with pytest.raises(StoreDown):
        await sweep(folder, safe_age_seconds=60)
    assert len(await folder.page(keys.AUDIO)) == 2


class Meanwhile(FileStore):
    """Something happens when the sweep has looked at every manifest and is about to look at `active/`."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    def list(self, prefix: str) -> Any:
        async def listed() -> Any:
            if prefix == keys.ACTIVE and self.meanwhile is not None:
                await self.meanwhile()
            async for key in super(Meanwhile, self).list(prefix):
                yield key

        return listed()


async def test_a_job_that_begins_during_the_sweep_keeps_the_audio_that_it_found(tmp_path: Path) -> None:
    store = Meanwhile(tmp_path / "store", deadline_seconds=20)
    await store.put(audio_key("found"), b"x")
    await store.put(audio_key("nobody's"), b"x")
    grow_older(store, "audio/", days=9)

    async def a_job_begins() -> None:
        await store.put(keys.manifest("j"), json.dumps({"audio_key": audio_key("found")}).encode())
        await store.put(keys.active("j"), b"")

    store.meanwhile = a_job_begins
    await sweep(store, safe_age_seconds=60)
    assert await store.page(keys.AUDIO) == [audio_key("found")]


async def test_a_running_job_and_those_that_ended_lately_lose_nothing_to_many_prunes(store: Store) -> None:
    chunks = tuple(f"chunk {number}" for number in range(60))
    await put_job(store, "j", "synthesizing", chunks=chunks)
    for chunk in chunks:
        await store.delete(audio_key(chunk))
    working = True

    async def prune_again_and_again() -> int:
        rounds = 0
        while working:
            await prune(store, older_than_seconds=0.0, job_deadline_seconds=-SAFE_MARGIN_SECONDS)  # no age is safe
            rounds += 1
        return rounds

    pruning = asyncio.create_task(prune_again_and_again())
    for chunk in chunks:
        await store.put(audio_key(chunk), chunk.encode())
    working = False
    assert await pruning > 0
    assert set(await store.page(keys.AUDIO)) == {audio_key(chunk) for chunk in chunks}


# ---------------------------------------------------------------- automatic pruning


async def test_of_several_coordinators_one_prunes_each_day(store: Store) -> None:
    turns = await asyncio.gather(*(retention.is_our_turn(store, every_seconds=3_600) for _ in range(8)))
    assert sum(turns) == 1
    assert not await retention.is_our_turn(store, every_seconds=3_600)
    assert await retention.is_our_turn(store, every_seconds=0)
    await store.put(keys.RETENTION, b"what is this")
    assert await retention.is_our_turn(store, every_seconds=3_600)


async def test_old_jobs_are_removed_by_themselves_when_the_setting_says_so(folder: FileStore) -> None:
    await put_job(folder, "old", days=3)
    await put_job(folder, "young", days=1)
    await _once(folder, Settings())  # 0 days: everything is kept
    assert await folder.folders(keys.JOBS) == ["old", "young"]
    task = asyncio.create_task(retention.keep_pruned(folder, Settings(retention_days=2), look_seconds=0.01))
    try:
        await until(lambda: _is(folder, ["young"]), "the old job's end")
        await put_job(folder, "older", days=9)
        assert not await retention.is_our_turn(folder, every_seconds=retention.EVERY_SECONDS)
    finally:
        task.cancel()
    assert await folder.folders(keys.JOBS) == ["older", "young"], "once a day is enough"


async def test_previews_are_removed_after_a_day_whatever_the_setting(folder: FileStore) -> None:
    old, young = keys.preview("0" * 32), keys.preview("1" * 32)
    for key in (old, young, keys.preview_source("0" * 32, "a"), keys.preview_waiting("2" * 32)):
        await folder.put(key, b"{}")
    yesterday = time.time() - 90_000
    for key in (old, keys.preview_source("0" * 32, "a"), keys.preview_waiting("2" * 32)):
        os.utime(folder.root / key, (yesterday, yesterday))
    await _once(folder, Settings())
    assert [key async for key in folder.list(keys.PREVIEWS)] == [young]


async def _once(folder: FileStore, settings: Settings) -> None:
    """Let the coordinator's pruning have one look at the store."""
    looked = asyncio.Event()

    class Looking(FileStore):
        async def entries(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Entries:
            found = await super().entries(prefix, after=after, limit=limit)
            if prefix == keys.PREVIEWS and not found:
                looked.set()
            return found

    task = asyncio.create_task(retention.keep_pruned(Looking(folder.root, deadline_seconds=20), settings))
    try:
        async with asyncio.timeout(30):
            await looked.wait()
    finally:
        task.cancel()


async def _is(folder: FileStore, ids: list[str]) -> bool:
    return await folder.folders(keys.JOBS) == ids
