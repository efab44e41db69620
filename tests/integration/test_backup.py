"""A backup of each kind of store, restored into the other kind."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from shared.client.backup import contents, restoring, saving
from shared.client.backup.index import COMPLETE, NEXT, Index
from shared.errors import BadInput
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store, open_store
from tests.servers.minio import MinioServer
from tests.waiting import until

JOB, OTHER, NEW = "job-1", "job-2", "job-3"


@pytest.fixture
async def store(store_url: str) -> Store:
    opened = open_store(Settings(store_url=store_url))
    await opened.ping()
    return opened


@pytest.fixture
def empty(request: pytest.FixtureRequest, store_url: str, tmp_path: Path) -> Store:
    """An empty store of the other kind."""
    if store_url.startswith("s3"):
        url = (tmp_path / "restored").as_uri()
    else:
        minio: MinioServer = request.getfixturevalue("minio")
        url = minio.bucket()
    return open_store(Settings(store_url=url))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def status(state: str, **more: object) -> bytes:
    return json.dumps({"version": 1, "state": state, "of_a_later_version": "ü", **more}, ensure_ascii=False).encode()


async def fill(store: Store) -> dict[str, bytes]:
    """A finished job, one under way, one that no coordinator has taken, and what else a store has."""
    objects = {
        keys.request(JOB): b"{}",
        keys.manifest(JOB): b'{"audio/1.flac"}',
        keys.episode(JOB, "mp3"): bytes(range(256)) * 5_000,
        keys.status(JOB): status("completed"),
        keys.request(OTHER): b'{"other": 1}',
        keys.status(OTHER): status("synthesizing", submitted_at=1.5),
        keys.request(NEW): b'{"new": 1}',
        "audio/1.flac": b"one",
        "audio/2/0.mp3": b"two",
        "webhooks/a.json": b"secret",
        "access/keys/k.json": b"key",
        "a-kind-of-later/x": b"later",
        "empty/x": b"",
    }
    for key, data in {
        **objects,
        keys.active(OTHER): b"",
        keys.preview_waiting("p"): b"",
        f"{keys.QUARANTINE}m/t": b"",
        keys.part(OTHER, "mp3", "00001"): b"",
        keys.part_body(OTHER, "mp3", "00001", "d1"): b"",
    }.items():
        await store.put(key, data)
    await settled(store)
    return objects


async def settled(store: Store) -> None:
    """Wait until the store vouches for every tag: a folder does not for the youngest."""

    async def vouches() -> bool:
        return all(entry.tag for entry in await store.entries(""))

    await until(vouches, "every tag is strong")


async def content(store: Store) -> dict[str, bytes]:
    return {key: await store.get(key) async for key in store.list("")}


async def test_everything_comes_back_and_unfinished_jobs_are_marked(store: Store, empty: Store, folder: Path) -> None:
    objects = await fill(store)
    done = await saving.save(store, folder)
    assert (done.objects, done.copied, done.removed) == (len(objects), len(objects), 0)

    before = (folder / COMPLETE).read_bytes()
    back = await restoring.restore(folder, empty)
    assert (folder / COMPLETE).read_bytes() == before
    assert (back.objects, back.kept, back.unfinished, back.damaged_count) == (len(objects), 0, 2, 0)
    found = await content(empty)
    assert found.pop(keys.active(OTHER)) == found.pop(keys.active(NEW)) == b""
    resumed = json.loads(found.pop(keys.status(OTHER)))
    assert resumed.pop("resumed_at") > 1_700_000_000
    assert resumed == json.loads(objects.pop(keys.status(OTHER)))
    assert found == objects


async def test_the_next_backup_copies_only_what_has_changed(store: Store, empty: Store, folder: Path) -> None:
    objects = await fill(store)
    await saving.save(store, folder)
    again = await saving.save(store, folder)
    assert (again.objects, again.copied, again.removed) == (len(objects), 0, 0)

    await store.put(keys.status(OTHER), status("completed"))
    await store.put("audio/3.flac", b"three")
    await store.delete("audio/2/0.mp3")
    third = await saving.save(store, folder)
    assert (third.objects, third.copied, third.removed) == (len(objects), 2, 1)
    assert len(stored(folder)) == len(objects) - 1, "two statuses have one content"

    assert (await restoring.restore(folder, empty)).unfinished == 1
    found = await content(empty)
    assert found[keys.status(OTHER)] == status("completed")
    assert "audio/2/0.mp3" not in found
    assert found["audio/3.flac"] == b"three"


def stored(folder: Path) -> list[Path]:
    return list(folder.glob("objects/*/*"))


def open_to_others(folder: Path) -> list[Path]:
    """What others could read; nothing, where the folder itself is closed to them."""
    return [path for path in (folder, *folder.glob("objects/**/*")) if path.stat().st_mode & 0o077]


async def test_only_the_owner_can_read_a_backup(store: Store, folder: Path) -> None:
    await fill(store)
    await saving.save(store, folder)
    assert open_to_others(folder) == []


async def test_a_job_that_is_deleted_meanwhile_is_not_in_the_backup(store: Store, empty: Store, folder: Path) -> None:
    await fill(store)
    await store.put(keys.deleted(JOB), b"")
    await saving.save(store, folder)
    await restoring.restore(folder, empty)
    assert [key async for key in empty.list(keys.job(JOB))] == []
    assert await empty.exists(keys.deleted(JOB))


async def test_an_interrupted_backup_leaves_the_last_one_and_is_continued(
    store: Store, empty: Store, folder: Path
) -> None:
    objects = await fill(store)
    await saving.save(store, folder)
    await store.put("audio/3.flac", b"three")
    await store.put("webhooks/b.json", b"b")
    await settled(store)

    def stop(done: saving.BackedUp) -> None:
        if done.copied:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await saving.save(store, folder, told=stop)
    assert (folder / NEXT).exists()
    await restoring.restore(folder, empty)
    assert (await content(empty)).keys() - {keys.active(OTHER), keys.active(NEW)} == objects.keys()
    done = await saving.save(store, folder)
    assert done.objects == len(objects) + 2
    assert done.copied == 1, "the other one was copied before"
    assert not (folder / NEXT).exists()


async def test_an_empty_store_does_not_wipe_the_backup(store: Store, folder: Path) -> None:
    for number in range(150):
        await store.put(f"audio/{number}.flac", b"a%d" % number)
    await saving.save(store, folder)
    for number in range(140):
        await store.delete(f"audio/{number}.flac")
    with pytest.raises(saving.TooMuchIsGone, match="140 of the 150") as refused:
        await saving.save(store, folder)
    assert "--allow-removal" in refused.value.hint
    assert Index(folder / COMPLETE).total()[0] == 150
    done = await saving.save(store, folder, allow_removal=True)
    assert (done.objects, done.removed) == (10, 140)
    assert len(stored(folder)) == 10


async def test_damage_is_named_and_the_rest_is_restored(store: Store, empty: Store, folder: Path) -> None:
    objects = await fill(store)
    await saving.save(store, folder)
    index = Index(folder / COMPLETE)
    saved = index.known(["audio/1.flac", "audio/2/0.mp3"])
    contents.path_of(folder, saved["audio/1.flac"].sha256).write_bytes(b"One")
    contents.path_of(folder, saved["audio/2/0.mp3"].sha256).unlink()
    done = await restoring.restore(folder, empty)
    assert sorted(done.damaged) == ["audio/1.flac", "audio/2/0.mp3"]
    assert done.objects == len(objects) - 2
    assert not await empty.exists("audio/1.flac")


async def test_a_store_with_jobs_is_left_alone(store: Store, folder: Path) -> None:
    objects = await fill(store)
    await saving.save(store, folder)
    await store.put(keys.status(JOB), status("failed"))
    await store.delete("audio/1.flac")
    with pytest.raises(restoring.NotEmpty, match="has jobs already"):
        await restoring.restore(folder, store)
    done = await restoring.restore(folder, store, into_used=True)
    assert (done.objects, done.kept) == (1, len(objects) - 1)
    assert await store.get(keys.status(JOB)) == status("failed"), "nothing is replaced"


async def test_an_interrupted_restore_is_continued(store: Store, empty: Store, folder: Path) -> None:
    objects = await fill(store)
    await saving.save(store, folder)

    def stop(done: restoring.Restored) -> None:
        if done.objects > 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await restoring.restore(folder, empty, told=stop)
    assert [key async for key in empty.list(keys.ACTIVE)] == []
    done = await restoring.restore(folder, empty)
    assert done.objects + done.kept == len(objects)
    assert done.kept > 6
    assert done.unfinished == 2
    assert not await empty.exists(keys.RESTORE)


async def test_a_folder_with_something_else_is_refused(store: Store, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no complete backup"):
        await restoring.restore(folder, store)
    elsewhere = tmp_path
    (folder / COMPLETE).parent.mkdir()
    (folder / COMPLETE).write_text("Dear")
    with pytest.raises(BadInput, match="no index of a backup"):
        await restoring.restore(folder, store)
    (elsewhere / "letter.txt").write_text("Dear")
    with pytest.raises(BadInput, match="something else"):
        await saving.save(store, elsewhere)


async def test_two_backups_into_one_folder_do_not_mix(store: Store, folder: Path) -> None:
    await fill(store)
    results = await asyncio.gather(*(saving.save(store, folder) for _ in range(3)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BadInput)]
    assert len(refused) == 2
    assert "Another backup" in refused[0].message
    assert replace(await saving.save(store, folder), size_bytes=0).copied == 0
