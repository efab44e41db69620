"""A call given up at its deadline has no effect afterwards, and a lost response is not mistaken for a conflict."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from shared.errors import Conflict, StoreDown
from shared.settings import Settings
from shared.store import attempt, folder_commit
from shared.store.attempt import Attempt
from shared.store.folder import FileStore
from shared.store.port import open_store
from shared.store.s3 import S3Store
from tests.servers.between import between
from tests.waiting import until

_DEADLINE_SECONDS = 0.3

Write = Callable[[FileStore, Path, str], Awaitable[object]]

WRITES: dict[str, Write] = {
    "put": lambda store, _source, _version: store.put("x", b"old"),
    "put_file": lambda store, source, _version: store.put_file("x", source),
    "create": lambda store, _source, _version: store.create("x", b"old"),
    "replace": lambda store, _source, version: store.replace("x", b"old", version=version),
}


class SlowDisk:
    """Writing the content `old` waits for `released`; other content is written immediately."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.released = threading.Event(), threading.Event()
        write_bytes = Path.write_bytes
        copyfile = shutil.copyfile

        def slow_write(path: Path, data: bytes) -> int:
            self._wait(data)
            return write_bytes(path, data)

        def slow_copy(source: Path, target: Path) -> object:
            self._wait(Path(source).read_bytes())
            return copyfile(source, target)

        monkeypatch.setattr(Path, "write_bytes", slow_write)
        monkeypatch.setattr("shared.store.folder.shutil.copyfile", slow_copy)

    def _wait(self, data: bytes) -> None:
        if data == b"old":
            self.entered.set()
            assert self.released.wait(30)


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls whose threads have ended, whether or not anybody waited for them."""
    ended: list[str] = []
    in_thread = attempt.in_thread

    async def noted(call: Callable[[], Any], **kwargs: Any) -> Any:
        def run() -> Any:
            try:
                return call()
            finally:
                ended.append("call")

        return await in_thread(run, **kwargs)

    monkeypatch.setattr(attempt, "in_thread", noted)
    return ended


@pytest.mark.parametrize("how", list(WRITES))
async def test_a_write_that_was_given_up_never_replaces_a_newer_one(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: list[str]
) -> None:
    store = FileStore(tmp_path / "store", deadline_seconds=_DEADLINE_SECONDS)
    patient = FileStore(tmp_path / "store", deadline_seconds=20)
    (tmp_path / "source").write_bytes(b"old")
    version = await patient.create("x", b"before") if how == "replace" else ""
    disk = SlowDisk(monkeypatch)
    with pytest.raises(StoreDown, match="took longer"):
        await WRITES[how](store, tmp_path / "source", version)
    assert disk.entered.is_set(), "the write was under way when it was given up"
    if how == "create":  # otherwise the newer object alone would stop it
        await patient.put("y", b"newer")
    else:
        await patient.put("x", b"newer")
    ended_before = len(finished)
    disk.released.set()
    await until(lambda: len(finished) > ended_before, "the end of the thread that was left behind")
    assert [await patient.get(key) async for key in patient.list("")] == [b"newer"]
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file() and ".partial-" in str(path)] == []


async def test_a_process_that_was_frozen_does_not_replace_what_was_written_meanwhile(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import asyncio, pathlib, time
        from shared.store.folder import FileStore
        real = pathlib.Path.write_bytes
        def slow(path, data):
            size = real(path, data)
            print("writing", flush=True)
            time.sleep({_DEADLINE_SECONDS / 2})
            return size
        pathlib.Path.write_bytes = slow
        store = FileStore(pathlib.Path({str(tmp_path / "store")!r}), deadline_seconds={_DEADLINE_SECONDS})
        asyncio.run(store.put("x", b"old"))
    """)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: ASYNC220 - it is waited for in a thread
    assert child.stdout is not None
    try:
        assert await asyncio.to_thread(child.stdout.readline) == b"writing\n"
        child.send_signal(signal.SIGSTOP)
        store = FileStore(tmp_path / "store", deadline_seconds=20)
        await store.put("x", b"newer")
        frozen_until = time.monotonic() + 2 * _DEADLINE_SECONDS
        await until(lambda: time.monotonic() > frozen_until, "a freeze that is longer than the deadline")
        child.send_signal(signal.SIGCONT)
        _, errors = await asyncio.to_thread(child.communicate)
    finally:
        child.kill()
    assert b"StoreDown" in errors, errors
    assert await store.get("x") == b"newer"


async def test_a_write_that_is_becoming_visible_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurried = FileStore(tmp_path / "store", deadline_seconds=_DEADLINE_SECONDS)
    patient = FileStore(tmp_path / "store", deadline_seconds=20)
    entered, released = threading.Event(), threading.Event()
    rename = Path.replace

    def slow_rename(path: Path, target: Path) -> Path:
        if path.read_bytes() == b"old":
            entered.set()
            assert released.wait(30)
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", slow_rename)
    with pytest.raises(StoreDown):
        await hurried.put("x", b"old")
    assert entered.is_set()
    newer = asyncio.create_task(patient.put("x", b"newer"))
    with pytest.raises(StoreDown):  # it cannot overtake either, and says so
        await hurried.put("x", b"hurried")
    assert not newer.done()
    released.set()
    await newer
    assert await patient.get("x") == b"newer"


async def test_a_deletion_that_was_given_up_does_not_delete_what_came_later(
    tmp_path: Path, finished: list[str]
) -> None:
    store = FileStore(tmp_path / "store", deadline_seconds=_DEADLINE_SECONDS)
    await store.put("x", b"old")
    with folder_commit._locked(store.root, store.root / "x", Attempt(30)):
        ended_before = len(finished)
        with pytest.raises(StoreDown):
            await store.delete("x")
        await until(lambda: len(finished) > ended_before, "the end of the thread that was left behind")
    await store.put("x", b"newer")
    assert await store.get("x") == b"newer"


# ---------------------------------------------------------------- S3


async def test_what_was_created_before_its_answer_was_lost_is_no_conflict(s3_store_url: str) -> None:
    direct = open_store(Settings(store_url=s3_store_url))
    await direct.ping()
    async with between(s3_store_url, b"PUT") as seen:
        version = await open_store(Settings(store_url=seen.url)).create("x", b"ours")
    assert await direct.get_versioned("x") == (b"ours", version)


async def test_what_was_replaced_before_its_answer_was_lost_is_no_conflict(s3_store_url: str) -> None:
    direct = open_store(Settings(store_url=s3_store_url))
    await direct.ping()
    first = await direct.create("x", b"one")
    async with between(s3_store_url, b"PUT") as seen:
        version = await open_store(Settings(store_url=seen.url)).replace("x", b"two", version=first)
    assert await direct.get_versioned("x") == (b"two", version)


async def test_a_conflict_whose_first_answer_was_lost_is_still_a_conflict(s3_store_url: str) -> None:
    direct = open_store(Settings(store_url=s3_store_url))
    await direct.ping()
    await direct.create("x", b"theirs")
    async with between(s3_store_url, b"PUT") as seen:
        with pytest.raises(Conflict):
            await open_store(Settings(store_url=seen.url)).create("x", b"ours")
    assert await direct.get("x") == b"theirs"


async def test_a_request_that_was_given_up_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[bytes] = []
    given_up = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readline())
        await given_up.wait()
        writer.close()  # urllib3 mistakes this for an idle connection that was closed, and sends again

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"s3://k:s@127.0.0.1:{port}/bucket?secure=false"
        store = open_store(Settings(store_url=url, store_deadline_seconds=_DEADLINE_SECONDS))
        assert isinstance(store, S3Store)
        ended = threading.Event()
        put_object = store._client.put_object

        def noted(*args: Any, **kwargs: Any) -> Any:
            try:
                return put_object(*args, **kwargs)
            finally:
                ended.set()

        monkeypatch.setattr(store._client, "put_object", noted)
        # The socket's own read timeout equals the deadline; here it must not fire first.
        monkeypatch.setitem(store._client._http.connection_pool_kw, "timeout", 30)
        with pytest.raises(StoreDown):
            await store.put("x", b"old")
        given_up.set()
        await until(ended.is_set, "the end of the thread that was left behind")
        assert len(requests) == 1
