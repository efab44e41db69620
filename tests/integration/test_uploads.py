"""Objects that are written in parts: in a folder and in MinIO."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from shared.errors import BadInput, Conflict, NotFound
from shared.settings import Settings
from shared.store import folder_upload
from shared.store.folder import FileStore
from shared.store.port import LAST_PART, LEAST_PART_BYTES, Store, UploadedPart, open_store
from shared.store.s3 import S3Store
from tests.waiting import until

KEY = "jobs/1/episode.mp3"


@pytest.fixture
async def store(store_url: str) -> Store:
    opened = open_store(Settings(store_url=store_url))
    await opened.ping()
    return opened


def some_bytes(seed: int, size_bytes: int = LEAST_PART_BYTES) -> bytes:
    return random.Random(seed).randbytes(size_bytes)  # noqa: S311 - the same ones again


def left_over(store: Store) -> list[str]:
    """What the store holds of uploads of `KEY` that were not finished."""
    if isinstance(store, S3Store):
        return [
            str(upload.upload_id) for upload in store._client._list_multipart_uploads(store._bucket, prefix=KEY).uploads
        ]
    root = Path(unquote(urlsplit(store.url).path))
    return [str(path) for path in root.rglob("*") if path.is_file() and ".partial-" in str(path.relative_to(root))]


async def nothing_is_there(store: Store) -> None:
    assert not await store.exists(KEY)
    assert left_over(store) == []
    assert await store.folders("jobs/") == []


async def test_parts_are_joined_in_the_order_of_their_numbers_whatever_the_order_they_were_written_in(
    store: Store,
) -> None:
    first, second, last = some_bytes(1), some_bytes(2, LEAST_PART_BYTES + 1), some_bytes(3, 1_700_000)
    async with store.upload(KEY, content_type="audio/mpeg") as upload:
        await upload.add(LAST_PART, last)
        assert left_over(store), "which is what the other tests look for"
        await asyncio.gather(upload.add(70, second), upload.add(3, first))
        assert not await store.exists(KEY)
        assert [key async for key in store.list("")] == []
        assert await upload.finish() == 12_185_761
        assert await store.size(KEY) == 12_185_761
    assert await store.get(KEY) == first + second + last
    assert left_over(store) == []
    assert [key async for key in store.list("")] == [KEY]
    if isinstance(store, S3Store):
        assert store._client.stat_object(store._bucket, KEY).content_type == "audio/mpeg"
    else:
        assert (Path(unquote(urlsplit(store.url).path)) / KEY).stat().st_mode & 0o777 == 0o600


async def test_of_a_part_that_is_added_twice_the_last_one_counts(store: Store) -> None:
    await store.put(KEY, b"which is replaced")
    async with store.upload(KEY) as upload:
        await upload.add(1, b"one")
        await upload.add(1, b"two")
        await upload.finish()
    assert await store.get(KEY) == b"two"
    assert left_over(store) == []


@pytest.mark.parametrize("store_url", ["file"], indirect=True)
async def test_a_file_system_that_cannot_copy_by_itself_is_read_and_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[int] = []

    def cannot(*_: object) -> int:
        refused.append(1)
        raise OSError(folder_upload.errno.EXDEV, "")

    monkeypatch.setattr("shared.store.folder_upload.os.copy_file_range", cannot)
    monkeypatch.setattr("shared.store.folder_upload._STEP_BYTES", 1_000_000)
    contents = [some_bytes(1), some_bytes(2, 3_000_001)]
    async with store.upload(KEY) as upload:
        for number, content in enumerate(contents, 1):
            await upload.add(number, content)
        await upload.finish()
    assert await store.get(KEY) == b"".join(contents)
    assert len(refused) == 10


async def test_an_empty_part_is_an_empty_object(store: Store) -> None:
    async with store.upload(KEY) as upload:
        await upload.add(1, b"")
        assert await upload.finish() == 0
    assert await store.get(KEY) == b""


async def test_parts_that_s3_would_not_join_are_refused_by_both(store: Store) -> None:
    async with store.upload(KEY) as upload:
        for number in (0, LAST_PART + 1):
            with pytest.raises(ValueError, match="from 1 to 10,000"):
                await upload.add(number, b"")
        with pytest.raises(ValueError, match="no part"):
            await upload.finish()
        await upload.add(1, some_bytes(1, LEAST_PART_BYTES - 1))
        await upload.add(2, b"x")
        with pytest.raises(ValueError, match=r"part 1 of .* has 5,242,879 bytes"):
            await upload.finish()
    await nothing_is_there(store)
    with pytest.raises(ValueError, match="is over"):
        await upload.add(1, b"")
    with pytest.raises(ValueError, match="is over"):
        await upload.finish()


async def test_a_name_that_the_store_cannot_hold_is_refused_at_once(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot hold"):
        store.upload("../secret")
    folder = open_store(Settings(store_url=(tmp_path / "another").as_uri()))
    await folder.put("a", b"")
    async with folder.upload("a/b") as upload:
        with pytest.raises(BadInput, match="part of its path is an object"):
            await upload.add(1, b"")
    assert [key async for key in folder.list("")] == ["a"]


async def test_an_upload_that_is_not_finished_leaves_nothing(store: Store) -> None:
    async with store.upload(KEY):
        pass
    async with store.upload(KEY) as upload:
        await upload.add(1, some_bytes(1))
    await nothing_is_there(store)
    await store.put(KEY, b"before")
    async with store.upload(KEY) as upload:
        await upload.add(1, some_bytes(1))
    assert await store.get(KEY) == b"before"
    assert left_over(store) == []


async def test_an_error_in_the_context_is_raised_and_leaves_nothing(store: Store) -> None:
    async def fail() -> None:
        async with store.upload(KEY) as upload:
            await upload.add(1, some_bytes(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await nothing_is_there(store)


async def test_an_upload_that_is_cancelled_leaves_nothing(store: Store) -> None:
    added = asyncio.Event()

    async def write() -> None:
        async with store.upload(KEY) as upload, asyncio.TaskGroup() as group:
            await upload.add(1, some_bytes(1))
            for number in range(2, 5):
                group.create_task(upload.add(number, some_bytes(number)))
            added.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write())
    await added.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await until(lambda: not left_over(store), "the end of the threads that were left behind")
    await nothing_is_there(store)


async def test_parts_that_are_still_being_written_when_another_fails_leave_nothing(store: Store) -> None:
    async def fail() -> None:
        async with store.upload(KEY) as upload:
            await upload.add(1, b"it has begun")
            parts = [upload.add(number, some_bytes(number)) for number in range(2, 6)]
            await asyncio.gather(*parts, upload.add(LAST_PART + 1, b""))

    for _ in range(3):
        with pytest.raises(ValueError, match="from 1 to"):
            await fail()
        await until(lambda: not left_over(store), "the end of the threads that were left behind")
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
        await nothing_is_there(store)


async def test_two_uploads_of_one_object_do_not_mix(store: Store) -> None:
    contents = [[some_bytes(10 * one + part) for part in range(2)] for one in range(2)]

    async def write(parts: list[bytes]) -> None:
        async with store.upload(KEY) as upload:
            await asyncio.gather(*(upload.add(number, part) for number, part in enumerate(parts, 1)))
            await upload.finish()

    await asyncio.gather(*map(write, contents))
    assert await store.get(KEY) in [b"".join(parts) for parts in contents]
    assert left_over(store) == []


async def test_what_a_killed_process_has_left_in_a_folder_is_removed_a_day_later(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "store", deadline_seconds=5)
    killed = store.upload(KEY, content_type="audio/mpeg")
    upload = await killed.__aenter__()  # and is never left
    await upload.add(1, b"one")
    [part] = left_over(store)
    async with store.upload(KEY, content_type="audio/mpeg") as another:
        await another.add(1, b"two")
        assert part in left_over(store), "its process may be alive"
    os.utime(Path(part).parent, (0, 0))
    async with store.upload(KEY, content_type="audio/mpeg") as another:
        await another.add(1, b"two")
        assert len(left_over(store)) == 1
        await another.finish()
    assert left_over(store) == []
    assert await store.get(KEY) == b"two"


async def test_an_upload_that_was_opened_is_taken_up_by_others_until_one_finishes_it(store: Store) -> None:
    first, second, third, last = some_bytes(1), some_bytes(2), some_bytes(3), b"the end"
    upload_id = await store.open_upload(KEY, content_type="audio/mpeg")
    one = await store.taken_up(KEY, upload_id).add(2, second)
    two = await store.taken_up(KEY, upload_id, [one]).add(3, third)
    assert (one.number, one.size_bytes, two.number) == (2, len(second), 3)
    assert not await store.exists(KEY)
    upload = store.taken_up(KEY, upload_id, [one, two])
    await upload.add(4, last)
    await upload.add(1, first)
    assert await upload.finish() == 3 * LEAST_PART_BYTES + len(last)
    assert await store.get(KEY) == first + second + third + last
    assert left_over(store) == []
    assert [key async for key in store.list("")] == [KEY]
    if isinstance(store, S3Store):
        assert store._client.stat_object(store._bucket, KEY).content_type == "audio/mpeg"


async def test_of_a_part_that_was_added_by_two_the_one_that_is_named_counts_or_nothing(store: Store) -> None:
    upload_id = await store.open_upload(KEY)
    one = await store.taken_up(KEY, upload_id).add(1, b"one")
    same = await store.taken_up(KEY, upload_id).add(1, b"one")
    upload = store.taken_up(KEY, upload_id, [same])
    if isinstance(store, S3Store):  # has one content for a number
        assert same == one
        await store.taken_up(KEY, upload_id).add(1, b"two")
        with pytest.raises(Conflict, match="another one"):
            await upload.finish()
        assert not await store.exists(KEY)
        await upload.add(1, b"one")
    else:
        await store.taken_up(KEY, upload_id).add(1, b"two")
    assert await upload.finish() == 3
    assert await store.get(KEY) == b"one"
    assert left_over(store) == []


async def test_an_upload_that_is_abandoned_cannot_be_taken_up(store: Store) -> None:
    upload_id = await store.open_upload(KEY)
    added = await store.taken_up(KEY, upload_id).add(1, some_bytes(1))
    assert left_over(store)
    await store.abandon_upload(KEY, upload_id)
    await store.abandon_upload(KEY, upload_id)
    await nothing_is_there(store)
    with pytest.raises(NotFound, match="no longer there"):
        await store.taken_up(KEY, upload_id).add(2, b"")
    with pytest.raises(NotFound, match="no longer there"):
        await store.taken_up(KEY, upload_id, [added]).finish()
    await nothing_is_there(store)


@pytest.mark.parametrize("upload_id", ["", "0123456789abcdef\n", "\n", "2~other.store", "\ufffd", " ", "a/b"])
async def test_an_id_that_the_store_has_not_given_is_that_of_no_upload(store: Store, upload_id: str) -> None:
    """MinIO does not see an id with a line break: it would write and remove the object itself."""
    await store.put(KEY, b"episode")
    with pytest.raises(NotFound, match="no longer there"):
        await store.taken_up(KEY, upload_id).add(2, b"part")
    with pytest.raises(NotFound, match="no longer there"):
        await store.taken_up(KEY, upload_id, [UploadedPart(1, "0" * 32, LEAST_PART_BYTES)]).finish()
    await store.abandon_upload(KEY, upload_id)
    assert await store.get(KEY) == b"episode"
    assert left_over(store) == []


@pytest.mark.parametrize("store_url", ["file"], indirect=True)
async def test_an_id_leads_nowhere_else(store: Store) -> None:
    await store.put(KEY, b"episode")
    await store.abandon_upload(KEY, "../jobs")
    assert await store.get(KEY) == b"episode"


async def test_a_part_that_is_not_there_is_a_conflict(store: Store) -> None:
    upload_id = await store.open_upload(KEY)
    added = await store.taken_up(KEY, upload_id).add(1, some_bytes(1))
    other = UploadedPart(2, "0" * (32 if isinstance(store, S3Store) else 16), LEAST_PART_BYTES)
    with pytest.raises(Conflict, match="is gone"):
        await store.taken_up(KEY, upload_id, [added, other]).finish()
    assert not await store.exists(KEY)
    await store.abandon_upload(KEY, upload_id)
    await nothing_is_there(store)


@pytest.mark.parametrize("store_url", ["file"], indirect=True)
async def test_in_a_folder_a_part_has_its_size_and_its_name_leads_nowhere_else(store: Store) -> None:
    upload_id = await store.open_upload(KEY)
    added = await store.taken_up(KEY, upload_id).add(1, b"12345")
    [path] = map(Path, left_over(store))
    path.write_bytes(b"1234")
    with pytest.raises(Conflict, match="another one"):
        await store.taken_up(KEY, upload_id, [added]).finish()
    with pytest.raises(ValueError, match="not the name"):
        await store.taken_up(KEY, upload_id, [replace(added, tag="../../secret")]).finish()


async def test_an_upload_that_was_finished_is_finished_again_or_gone(store: Store) -> None:
    """Its process was killed before it could say so: S3 shows that the object is made of just these parts."""
    upload_id = await store.open_upload(KEY)
    added = await store.taken_up(KEY, upload_id).add(1, b"whole")
    await store.taken_up(KEY, upload_id, [added]).finish()
    again = store.taken_up(KEY, upload_id, [added])
    if isinstance(store, S3Store):
        assert await again.finish() == 5
    else:
        with pytest.raises(NotFound):
            await again.finish()
    assert await store.get(KEY) == b"whole"


async def test_an_open_upload_of_a_folder_that_nobody_has_added_to_for_a_day_is_removed(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "store", deadline_seconds=5)
    upload_id = await store.open_upload(KEY)
    await store.taken_up(KEY, upload_id).add(1, b"one")
    [part] = left_over(store)
    await store.abandon_upload(KEY, await store.open_upload(KEY))
    assert left_over(store) == [part]
    os.utime(Path(part).parent, (0, 0))
    await store.abandon_upload(KEY, await store.open_upload(KEY))
    assert left_over(store) == []
