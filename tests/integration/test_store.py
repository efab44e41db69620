"""The store's promises, kept by both a folder and MinIO."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import BadInput, Conflict, Misconfigured, NotFound, StoreDown
from shared.settings import Settings
from shared.store.port import Store, open_store
from tests.servers.minio import MinioServer
from tests.waiting import until


@pytest.fixture
async def store(store_url: str) -> Store:
    opened = open_store(Settings(store_url=store_url))
    await opened.ping()
    return opened


async def test_what_was_put_is_got(store: Store) -> None:
    await store.put("jobs/1/status.json", b"one")
    await store.put("jobs/1/status.json", b"two")
    assert await store.get("jobs/1/status.json") == b"two"
    assert await store.size("jobs/1/status.json") == 3
    assert await store.exists("jobs/1/status.json")


async def test_an_empty_object_is_an_object(store: Store) -> None:
    await store.put("active/1", b"")
    assert await store.exists("active/1")
    assert await store.get("active/1") == b""


async def test_what_is_not_there_is_not_found(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await store.get("jobs/none")
    with pytest.raises(NotFound):
        await store.get_range("jobs/none", 0, 1)
    with pytest.raises(NotFound):
        await store.get_file("jobs/none", tmp_path / "x")
    assert await store.size("jobs/none") is None
    assert not await store.exists("jobs/none")
    await store.delete("jobs/none")
    assert not (tmp_path / "x").exists()


async def test_many_objects_are_got_in_the_order_asked_for_and_none_for_those_that_are_not_there(store: Store) -> None:
    await store.put("jobs/1/a", b"one")
    await store.put("jobs/1/b", b"")
    await store.put("jobs/1/c", b"three" * 100_000)
    wanted = ["jobs/1/c", "jobs/none", "jobs/1/b", "jobs/1/a", "jobs/1/c"]
    assert await store.get_many(wanted) == [b"three" * 100_000, None, b"", b"one", b"three" * 100_000]
    assert await store.get_many([]) == []
    with pytest.raises(BadInput):
        await store.get_many(["jobs/1/a", "../a"])


async def test_ranges_end_with_the_object(store: Store) -> None:
    await store.put("x", b"0123456789")
    assert await store.get_range("x", 0, 4) == b"0123"
    assert await store.get_range("x", 8, 100) == b"89"
    assert await store.get_range("x", 10, 5) == b""


async def test_an_object_is_described_without_being_read_and_read_only_while_it_is_the_same(
    store: Store, tmp_path: Path
) -> None:
    before = time.time()
    await store.put("x", b"0123456789")
    first = await store.state("x")
    assert first is not None
    assert first == await store.state("x")
    assert first.size_bytes == 10
    assert abs(first.modified - before) < 10
    assert await store.get_range("x", 2, 3, tag=first.tag) == b"234"

    await store.put("x", b"abcdefghij")

    again = await store.state("x")
    assert again is not None
    assert again.tag != first.tag
    with pytest.raises(Conflict):
        await store.get_range("x", 2, 3, tag=first.tag)
    assert await store.get_range("x", 2, 3, tag=again.tag) == b"cde"
    await store.delete("x")
    assert await store.state("x") is None
    with pytest.raises(NotFound):
        await store.get_range("x", 2, 3, tag=again.tag)

    big = tmp_path / "big"
    big.write_bytes(bytes(20_000_000))  # more than one part of a multipart upload
    await store.put_file("big", big)
    whole = await store.state("big")
    assert whole is not None
    assert await store.get_range("big", 19_999_999, 5, tag=whole.tag) == b"\0"


async def test_a_file_that_was_written_a_moment_ago_has_no_strong_tag(tmp_path: Path) -> None:
    folder = open_store(Settings(store_url=tmp_path.as_uri()))
    await folder.put("x", b"1")
    young = await folder.state("x")
    assert young is not None
    assert not young.is_strong

    async def is_strong() -> bool:
        found = await folder.state("x")
        return found is not None and found.is_strong and found.tag == young.tag

    await until(is_strong, "its tag is strong")


async def test_files_go_in_and_out(store: Store, tmp_path: Path) -> None:
    big = tmp_path / "in"
    big.write_bytes(bytes(range(256)) * 100_000)  # 25.6 MB: more than one part of a multipart upload
    await store.put_file("jobs/1/episode.mp3", big)
    await store.get_file("jobs/1/episode.mp3", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == big.read_bytes()


async def test_listing_is_by_prefix_in_order_and_complete(store: Store) -> None:
    names = [f"active/{number:04}" for number in range(1_050)]  # more than one page
    for start in range(0, len(names), 50):
        await asyncio.gather(*(store.put(name, b"") for name in names[start : start + 50]))
    await store.put("jobs/1/active/no", b"")
    assert [key async for key in store.list("active/")] == names
    assert [key async for key in store.list("active/104")] == [f"active/104{digit}" for digit in range(10)]
    assert [key async for key in store.list("nothing/")] == []


async def test_deleting_twice_is_deleting_once(store: Store) -> None:
    await store.put("active/1", b"")
    await store.delete("active/1")
    await store.delete("active/1")
    assert not await store.exists("active/1")


async def test_a_reader_never_sees_half_an_object(store: Store) -> None:
    versions = [bytes([number]) * 300_000 for number in range(8)]
    await store.put("x", versions[0])

    async def write() -> None:
        for version in versions * 3:
            await store.put("x", version)

    writing = asyncio.create_task(write())
    looks = 0
    while not writing.done() or looks == 0:
        assert await store.get("x") in versions
        looks += 1
    await writing


async def test_of_many_that_create_an_object_one_succeeds(store: Store) -> None:
    async def create(content: bytes) -> bytes | None:
        with contextlib.suppress(Conflict):
            assert await store.create("jobs/1/request.json", content)
            return content
        return None

    created = await asyncio.gather(*(create(bytes([number])) for number in range(12)))
    (winner,) = [content for content in created if content is not None]
    assert await store.get("jobs/1/request.json") == winner
    assert await create(b"later") is None
    assert await store.get("jobs/1/request.json") == winner


async def test_the_same_content_is_not_created_twice(store: Store) -> None:
    await store.create("mark", b"")
    with pytest.raises(Conflict, match="mark was not written"):
        await store.create("mark", b"")
    await store.delete("mark")
    await store.create("mark", b"")


async def test_an_object_is_replaced_only_at_the_version_that_is_known(store: Store) -> None:
    first = await store.create("x", b"one")
    assert await store.get_versioned("x") == (b"one", first)
    second = await store.replace("x", b"two", version=first)
    with pytest.raises(Conflict):
        await store.replace("x", b"three", version=first)
    assert await store.get_versioned("x") == (b"two", second)
    await store.put("x", b"changed by somebody who asks nobody")
    with pytest.raises(Conflict):
        await store.replace("x", b"three", version=second)
    _, third = await store.get_versioned("x")
    await store.replace("x", b"three", version=third)
    assert await store.get("x") == b"three"


async def test_what_is_gone_is_not_replaced(store: Store) -> None:
    version = await store.create("x", b"one")
    await store.delete("x")
    with pytest.raises(Conflict):
        await store.replace("x", b"two", version=version)
    assert not await store.exists("x")
    with pytest.raises(NotFound):
        await store.get_versioned("x")


async def test_of_many_that_replace_a_version_one_succeeds(store: Store) -> None:
    version = await store.create("x", b"start")
    outcomes = await asyncio.gather(
        *(store.replace("x", bytes([number]), version=version) for number in range(12)), return_exceptions=True
    )
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert all(isinstance(outcome, str | Conflict) for outcome in outcomes)


async def test_a_page_of_keys_is_bounded_and_goes_on_where_the_last_one_ended(store: Store) -> None:
    keys = sorted(["a-b/x", "a/b/1", "a/b/2", "a/b-c", "a/b.c", "a/c", "a0", "b/1"])
    for key in keys:
        await store.put(key, key.encode())
    for limit in (1, 3, 100):
        seen: list[str] = []
        while found := await store.page("a", after=seen[-1] if seen else "", limit=limit):
            assert len(found) <= limit
            seen += found
        assert seen == [key for key in keys if key.startswith("a")]
    assert await store.page("a/", after="a/b/1", limit=2) == ["a/b/2", "a/c"]
    assert await store.page("nothing/") == []
    before = time.time()
    (entry,) = await store.entries("a/b/", after="a/b/1")
    assert (entry.key, entry.size_bytes) == ("a/b/2", 5)
    assert abs(entry.modified - before) < 60


async def test_folders_are_listed_without_what_is_inside(store: Store) -> None:
    names = ["0", "a", "a-b", "a0", "b", "b_c"]
    for name in names:
        await store.put(f"jobs/{name}/status.json", b"")
        await store.put(f"jobs/{name}/source/document.md", b"")
    await store.put("jobs/no-folder", b"")
    in_order = sorted(names, key=lambda name: f"{name}/")
    assert await store.folders("jobs/") == in_order
    for limit in (1, 2, 4):
        seen: list[str] = []
        while found := await store.folders("jobs/", after=seen[-1] if seen else "", limit=limit):
            assert len(found) <= limit
            seen += found
        assert seen == in_order
    assert await store.folders("") == ["jobs"]
    assert await store.folders("nothing/") == []


async def test_more_folders_than_a_page_are_listed_page_by_page(store: Store) -> None:
    names = [f"{number:04}" for number in range(1_050)]
    for start in range(0, len(names), 50):
        await asyncio.gather(*(store.put(f"jobs/{name}/status.json", b"") for name in names[start : start + 50]))
    first = await store.folders("jobs/")
    assert (first, await store.folders("jobs/", after=first[-1])) == (names[:1_000], names[1_000:])


async def test_a_folder_is_gone_with_its_last_object(store: Store) -> None:
    await store.put("jobs/1/source/document.md", b"")
    await store.put("jobs/2/status.json", b"")
    await store.delete("jobs/1/source/document.md")
    assert await store.folders("jobs/") == ["2"]


async def test_keys_cannot_leave_the_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    for key in ("../secret", "/etc/passwd", "a/../../secret", "", "a/./b"):
        await refused(store, key)


@pytest.mark.parametrize(
    "key",
    [
        "a" * 1_025,
        "/".join(["a" * 200] * 6),
        f"jobs/{'a' * 256}/x",
        "ä" * 128,
        "a\0b",
        "a//b",
        "a/",
        "line\nfeed",
        "\x1b[31m",
        "\x9b",
        "\ud800",
        ".locks/00",
        "a/.partial-1",
    ],
    ids=ascii,
)
async def test_a_name_that_the_store_cannot_hold_is_bad_input(store: Store, key: str) -> None:
    await refused(store, key)


async def refused(store: Store, key: str) -> None:
    """Check that every method that takes a key says that this one is not possible."""
    for call in (
        store.get(key),
        store.get_versioned(key),
        store.get_range(key, 0, 1),
        store.state(key),
        store.get_file(key, Path("nowhere")),
        store.size(key),
        store.exists(key),
        store.put(key, b""),
        store.put_file(key, Path(__file__)),
        store.create(key, b""),
        store.replace(key, b"", version="0" * 32),
        store.delete(key),
    ):
        with pytest.raises(BadInput, match="cannot hold"):
            await call


async def test_the_longest_name_is_held(store: Store) -> None:
    key = "/".join(["a" * 255] * 4)
    assert len(key) == 1_023
    await store.create(key, b"x")
    assert await store.get(key) == b"x"
    assert [found async for found in store.list("")] == [key]


async def test_a_folder_holds_no_object_below_another(tmp_path: Path) -> None:
    store = open_store(Settings(store_url=(tmp_path / "store").as_uri()))
    await store.put("a/b", b"")
    with pytest.raises(BadInput, match="part of its path is an object"):
        await store.put("a/b/c", b"")
    with pytest.raises(BadInput, match="where it holds a folder"):
        await store.create("a", b"")
    assert not await store.exists("a")
    assert [key async for key in store.list("")] == ["a/b"]


@pytest.mark.parametrize("url", ["s3://key:secret@host", "ftp://x/y", "file:///", "nonsense", "s3://k:s@h/a/b"])
def test_a_url_of_no_store_is_refused_by_name(url: str) -> None:
    with pytest.raises(Misconfigured, match="PODCAST_STORE_URL"):
        open_store(Settings(store_url=url))


async def test_a_store_that_is_not_there_is_down(tmp_path: Path) -> None:
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = open_store(Settings(store_url=f"s3://k:s@127.0.0.1:{port}/bucket?secure=false"))
    with pytest.raises(StoreDown, match=r"127\.0\.0\.1"):
        await store.get("x")
    (tmp_path / "file").write_text("not a folder")
    blocked = open_store(Settings(store_url=(tmp_path / "file" / "store").as_uri()))
    with pytest.raises((StoreDown, NotFound)):
        await blocked.put("x", b"")


@pytest.fixture
def trickling_server() -> Iterator[int]:
    """Answers one byte at a time, for ever: no read timeout ever fires."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not ended.wait(0.05):
                    connection.sendall(b"x")

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        ended.set()


async def test_a_store_that_trickles_is_left_at_the_deadline(trickling_server: int) -> None:
    url = f"s3://k:s@127.0.0.1:{trickling_server}/bucket?secure=false"
    store = open_store(Settings(store_url=url, store_deadline_seconds=0.3))
    began = time.monotonic()
    with pytest.raises(StoreDown, match=r"took longer than 0\.3 s"):
        await store.get("x")
    assert time.monotonic() - began < 10, "the deadline, not the trickle, ended it"


async def test_a_wrong_secret_is_named(minio: MinioServer) -> None:
    right = minio.bucket()
    store = open_store(Settings(store_url=right.replace("@", "x@", 1)))
    with pytest.raises(StoreDown, match=r"(SignatureDoesNotMatch|AccessDenied).*PODCAST_STORE_URL"):
        await store.ping()
