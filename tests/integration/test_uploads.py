"""Objects that are written in parts: in a folder and in MinIO."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from shared.errors import BadInput, Conflict, NotFound
from shared.settings import Settings
from shared.store import folder_upload
from shared.store.folder import FileStore
from shared.store.port import LAST_PART, LEAST_PART_BYTES, Store, open_store
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
    await store.put("jobs/1/parts/a", b"copied")
    async with store.upload(KEY) as upload:
        await upload.add(1, b"one")
        await upload.add(1, b"two")
        await upload.finish()
    assert await store.get(KEY) == b"two"
    async with store.upload(KEY) as upload:
        await upload.add(1, b"one")
        await upload.copy(1, "jobs/1/parts/a", size_bytes=6)
        await upload.finish()
    assert await store.get(KEY) == b"copied", "and an object is replaced"
    async with store.upload(KEY) as upload:
        await upload.copy(1, "jobs/1/parts/a", size_bytes=6)
        await upload.add(1, b"three")
        await upload.finish()
    assert await store.get(KEY) == b"three"
    assert left_over(store) == []


async def test_a_part_can_be_another_object(store: Store) -> None:
    head, copied, tail = some_bytes(1), some_bytes(2, LEAST_PART_BYTES + 12_345), b"the end"
    sources = ["jobs/1/parts/1", "jobs/1/parts/ä b+c%20&d?.mp3"]
    await store.put(sources[0], copied)
    await store.put(sources[1], tail)
    async with store.upload(KEY) as upload:
        await upload.copy(3, sources[1], size_bytes=len(tail))
        await upload.copy(2, sources[0], size_bytes=len(copied))
        await upload.add(1, head)
        await upload.finish()
    assert await store.get(KEY) == head + copied + tail
    assert await store.get(sources[0]) == copied


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


async def test_what_is_to_be_copied_has_to_be_there_and_of_this_size(store: Store) -> None:
    await store.put("parts/1", b"12345")
    async with store.upload(KEY) as upload:
        with pytest.raises(NotFound):
            await upload.copy(1, "parts/none", size_bytes=5)
        with pytest.raises(NotFound):
            await upload.copy(1, "parts", size_bytes=5)
        for size_bytes in (4, 6):
            with pytest.raises(Conflict, match="5 bytes"):
                await upload.copy(1, "parts/1", size_bytes=size_bytes)
        with pytest.raises(BadInput):
            await upload.copy(1, "../parts/1", size_bytes=5)
        with pytest.raises(ValueError, match="no part"):
            await upload.finish()
    await nothing_is_there(store)


@pytest.mark.parametrize("store_url", ["file"], indirect=True)
async def test_in_a_folder_what_was_copied_must_be_the_same_at_the_end(store: Store) -> None:
    await store.put("parts/1", b"12345")
    async with store.upload(KEY) as upload:
        await upload.copy(1, "parts/1", size_bytes=5)
        await store.put("parts/1", b"abcde")
        with pytest.raises(Conflict, match="parts/1 was changed"):
            await upload.finish()
        await store.delete("parts/1")
        with pytest.raises(NotFound, match="parts/1 any more"):
            await upload.finish()
    await nothing_is_there(store)


@pytest.mark.parametrize("store_url", ["s3"], indirect=True)
async def test_in_s3_the_object_whose_size_is_known_is_copied_and_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(store, S3Store)
    await store.put("parts/1", b"12345")
    copy = store._client._upload_part_copy

    def overtaken(*arguments: object) -> object:
        store._client._put_object(store._bucket, "parts/1", b"abcde", None)
        return copy(*arguments)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(store._client, "_upload_part_copy", overtaken)
    async with store.upload(KEY) as upload:
        with pytest.raises(Conflict, match="parts/1 was changed"):
            await upload.copy(1, "parts/1", size_bytes=5)
    await nothing_is_there(store)


async def test_parts_that_s3_would_not_join_are_refused_by_both(store: Store) -> None:
    async with store.upload(KEY) as upload:
        for number in (0, LAST_PART + 1):
            with pytest.raises(ValueError, match="from 1 to 10,000"):
                await upload.add(number, b"")
            with pytest.raises(ValueError, match="from 1 to 10,000"):
                await upload.copy(number, "x", size_bytes=0)
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
        await upload.copy(1, "x", size_bytes=0)
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
            await asyncio.gather(*parts, upload.copy(6, "none", size_bytes=1))

    for _ in range(3):
        with pytest.raises(NotFound):
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
    os.utime(part, (0, 0))
    async with store.upload(KEY, content_type="audio/mpeg") as another:
        await another.add(1, b"two")
        assert len(left_over(store)) == 1
        await another.finish()
    assert left_over(store) == []
    assert await store.get(KEY) == b"two"
