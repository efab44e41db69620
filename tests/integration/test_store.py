"""The store's promises, kept by a folder and by MinIO alike."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import Misconfigured, NotFound, StoreDown
from shared.settings import Settings
from shared.store.port import Store, open_store
from tests.servers.minio import MinioServer


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


async def test_ranges_end_with_the_object(store: Store) -> None:
    await store.put("x", b"0123456789")
    assert await store.get_range("x", 0, 4) == b"0123"
    assert await store.get_range("x", 8, 100) == b"89"
    assert await store.get_range("x", 10, 5) == b""


async def test_files_go_in_and_out(store: Store, tmp_path: Path) -> None:
    big = tmp_path / "in"
    big.write_bytes(bytes(range(256)) * 100_000)  # 25.6 MB: more than one part of a multipart upload
    await store.put_file("jobs/1/episode.mp3", big)
    await store.get_file("jobs/1/episode.mp3", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == big.read_bytes()


async def test_listing_is_by_prefix_in_order_and_complete(store: Store) -> None:
    names = [f"active/{number:04}" for number in range(1_050)]  # more than a page
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


async def test_keys_cannot_leave_the_folder(tmp_path: Path) -> None:
    store = open_store(Settings(store_url=(tmp_path / "store").as_uri()))
    await store.ping()
    (tmp_path / "secret").write_text("secret")
    for key in ("../secret", "/etc/passwd", "a/../../secret", ""):
        with pytest.raises(NotFound):
            await store.get(key)
        with pytest.raises(NotFound):
            await store.put(key, b"")


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
    """Answers one byte at a time, for ever: no read time-out ever fires."""
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
