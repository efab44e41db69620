"""Uploads with a call that was given up, a lost answer or a killed process: an object of just these parts, or none."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import structlog

from shared.errors import NotFound, StoreDown
from shared.settings import Settings
from shared.store import folder_upload
from shared.store.folder import FileStore
from shared.store.port import LEAST_PART_BYTES, Store, open_store
from shared.store.s3 import S3Store
from tests.integration.test_uploads import KEY, left_over, nothing_is_there, some_bytes
from tests.servers.between import between
from tests.servers.minio import MinioServer
from tests.waiting import until

_DEADLINE_SECONDS = 0.5
BEGIN, COMPLETE, PART = rb"POST [^ ]*\?uploads=", rb"POST [^ ]*\?uploadId=", rb"PUT [^ ]*partNumber=1&"


async def upload_one_part(store: Store, data: bytes) -> None:
    async with store.upload(KEY) as upload:
        await upload.add(1, data)
        await upload.finish()


def s3_store(url: str, *, deadline_seconds: float = 20) -> S3Store:
    store = open_store(Settings(store_url=url, store_deadline_seconds=deadline_seconds))
    assert isinstance(store, S3Store)
    return store


@pytest.fixture
async def direct(s3_store_url: str) -> S3Store:
    store = s3_store(s3_store_url)
    await store.ping()
    return store


# ---------------------------------------------------------------- the folder


async def test_in_a_folder_a_finish_that_was_given_up_never_replaces_a_newer_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path, deadline_seconds=_DEADLINE_SECONDS)
    entered, released, ended = threading.Event(), threading.Event(), threading.Event()
    append = folder_upload.FolderUpload._append

    def slow(*arguments: object) -> None:
        entered.set()
        assert released.wait(30)
        try:
            append(*arguments)  # type: ignore[arg-type] # as they came
        finally:
            ended.set()

    monkeypatch.setattr(folder_upload.FolderUpload, "_append", slow)
    with pytest.raises(StoreDown, match="took longer"):
        await upload_one_part(store, b"old")
    assert entered.is_set()
    await store.put(KEY, b"newer")
    released.set()
    await until(lambda: ended.is_set() and not left_over(store), "the end of the thread that was left behind")
    assert await store.get(KEY) == b"newer"


async def test_in_a_folder_a_part_that_was_given_up_is_removed_by_its_own_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path, deadline_seconds=_DEADLINE_SECONDS)
    released, written = threading.Event(), threading.Event()
    write_bytes = Path.write_bytes

    def slow(path: Path, data: bytes) -> int:
        assert released.wait(30)
        size_bytes = write_bytes(path, data)
        assert path.exists()
        written.set()
        return size_bytes

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", slow)
        with pytest.raises(StoreDown, match="took longer"):
            await upload_one_part(store, b"old")
        await nothing_is_there(store)
        (tmp_path / "jobs/1").mkdir(parents=True, exist_ok=True)  # as if the job had other objects
        released.set()
        await until(lambda: written.is_set() and not left_over(store), "the end of the thread")
    await nothing_is_there(store)


async def test_in_a_folder_a_process_that_was_frozen_does_not_finish(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import asyncio, pathlib, time
        from shared.store import folder_upload
        from shared.store.folder import FileStore
        real = folder_upload.FolderUpload._append
        def slow(*arguments):
            real(*arguments)
            print("joining", flush=True)
            time.sleep({_DEADLINE_SECONDS / 2})
        folder_upload.FolderUpload._append = slow
        async def main():
            store = FileStore(pathlib.Path({str(tmp_path)!r}), deadline_seconds={_DEADLINE_SECONDS})
            async with store.upload({KEY!r}) as upload:
                await upload.add(1, b"old")
                await upload.finish()
        asyncio.run(main())
    """)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: ASYNC220 - it is waited for in a thread
    assert child.stdout is not None
    try:
        assert await asyncio.to_thread(child.stdout.readline) == b"joining\n"
        child.send_signal(signal.SIGSTOP)
        store = FileStore(tmp_path, deadline_seconds=20)
        await store.put(KEY, b"newer")
        frozen_until = time.monotonic() + 2 * _DEADLINE_SECONDS
        await until(lambda: time.monotonic() > frozen_until, "a freeze that is longer than the deadline")
        child.send_signal(signal.SIGCONT)
        _, errors = await asyncio.to_thread(child.communicate)
    finally:
        child.kill()
    assert b"StoreDown" in errors, errors
    assert await store.get(KEY) == b"newer"
    assert left_over(store) == []


# ---------------------------------------------------------------- both


async def test_a_process_that_is_killed_leaves_no_object_and_is_in_nobody_s_way(store_url: str) -> None:
    script = textwrap.dedent(f"""
        import asyncio
        from shared.settings import Settings
        from shared.store.port import open_store
        async def main():
            store = open_store(Settings(store_url={store_url!r}))
            await store.ping()
            async with store.upload({KEY!r}) as upload:
                await upload.add(1, bytes({LEAST_PART_BYTES}))
                await upload.add(2, b"x")
                print("added", flush=True)
                await asyncio.Event().wait()
        asyncio.run(main())
    """)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)  # noqa: ASYNC220 - it is waited for in a thread
    assert child.stdout is not None
    try:
        assert await asyncio.to_thread(child.stdout.readline) == b"added\n"
    finally:
        child.kill()
        await asyncio.to_thread(child.wait)
    store = open_store(Settings(store_url=store_url))
    assert left_over(store), "it was killed half way"
    assert not await store.exists(KEY)
    assert [key async for key in store.list("")] == []
    async with store.upload(KEY) as upload:
        await upload.add(1, b"again")
        await upload.finish()
    assert await store.get(KEY) == b"again"
    assert [key async for key in store.list("")] == [KEY]


# ---------------------------------------------------------------- S3


@pytest.mark.parametrize("request_line", [BEGIN, PART, COMPLETE])
async def test_a_lost_answer_is_no_failure(direct: S3Store, s3_store_url: str, request_line: bytes) -> None:
    content = some_bytes(1) + b"end"
    async with between(s3_store_url, request_line) as seen:
        async with s3_store(seen.url).upload(KEY, content_type="audio/mpeg") as upload:
            await upload.add(1, content[:LEAST_PART_BYTES])
            await upload.add(2, content[LEAST_PART_BYTES:])
            assert await upload.finish() == len(content)
        assert b" 200 OK" in seen.answers[0]
    assert await direct.get(KEY) == content
    if request_line != BEGIN:  # nobody can know the id of what was begun then
        assert left_over(direct) == []


async def test_an_upload_that_is_gone_is_not_mistaken_for_one_that_was_completed(direct: S3Store) -> None:
    async def overtaken() -> None:
        async with direct.upload(KEY) as upload:
            await upload.add(1, b"ours")
            [upload_id] = left_over(direct)
            direct._client._abort_multipart_upload(direct._bucket, KEY, upload_id)
            await upload.finish()

    for other in (None, b"somebody else's"):
        if other is not None:
            await direct.put(KEY, other)
        with pytest.raises(StoreDown, match="NoSuchUpload"):
            await overtaken()
        if other is None:
            assert not await direct.exists(KEY)
        else:
            assert await direct.get(KEY) == other


async def test_a_finish_that_was_given_up_has_no_effect_once_the_upload_was_left(
    direct: S3Store, s3_store_url: str
) -> None:
    async with between(s3_store_url, COMPLETE, doing="hold") as seen:
        with pytest.raises(StoreDown, match="took longer"):
            await upload_one_part(s3_store(seen.url, deadline_seconds=2), b"old")
        assert not seen.answers
        seen.released.set()
        await until(lambda: seen.answers, "the answer to the request that was given up")
        assert b" 404 " in seen.answers[0]
    await nothing_is_there(direct)


async def test_a_part_that_arrives_late_is_not_mistaken_for_the_one_that_was_added_again(
    direct: S3Store, s3_store_url: str
) -> None:
    for is_early in (True, False):
        async with between(s3_store_url, PART, doing="hold") as seen:
            store = s3_store(seen.url, deadline_seconds=2)
            async with store.upload(KEY) as upload:
                with pytest.raises(StoreDown, match="took longer"):
                    await upload.add(1, b"old")
                await upload.add(1, b"newer")
                if is_early:
                    seen.released.set()
                    await until(lambda: seen.answers, "the answer to the request that was given up")
                    assert b" 200 OK" in seen.answers[0]
                    with pytest.raises(StoreDown, match="InvalidPart"):
                        await upload.finish()
                else:
                    await upload.finish()
            seen.released.set()
            await until(lambda: seen.answers, "the answer to the request that was given up")
        if is_early:
            await nothing_is_there(direct)
    assert await direct.get(KEY) == b"newer"
    assert left_over(direct) == []


async def test_an_upload_that_begins_after_it_was_given_up_is_aborted_by_its_own_thread(
    direct: S3Store, s3_store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with between(s3_store_url, BEGIN, doing="hold") as seen:
        store = s3_store(seen.url, deadline_seconds=2)
        # The socket's own read timeout equals the deadline; here it must not fire first.
        monkeypatch.setitem(store._client._http.connection_pool_kw, "timeout", 30)

        async def write() -> None:
            async with store.upload(KEY) as upload:
                parts = [upload.add(number, b"") for number in range(1, 6)]
                outcomes = await asyncio.gather(*parts, return_exceptions=True)
                assert {type(outcome) for outcome in outcomes} == {StoreDown}
                assert isinstance(outcomes[0], StoreDown)
                raise outcomes[0]

        began = time.monotonic()
        with pytest.raises(StoreDown, match="took longer"):
            await write()
        assert time.monotonic() - began < 2 * 2, "those who waited for the first do not wait for as long once more"
        seen.released.set()
        await until(lambda: seen.answers, "the answer to the request that was given up")
        assert b" 200 OK" in seen.answers[0]
        await until(lambda: not left_over(direct), "the abort")
    await nothing_is_there(direct)


async def test_a_part_that_is_under_way_while_the_upload_is_aborted_has_it_aborted_again(
    direct: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a part may outlive the first abort (Amazon S3 API reference, AbortMultipartUpload)."""
    calls: list[str] = []
    released = threading.Event()
    upload_part, abort = direct._client._upload_part, direct._client._abort_multipart_upload

    def slow(*arguments: object) -> object:
        calls.append("part begins")
        assert released.wait(30)
        try:
            return upload_part(*arguments)  # type: ignore[arg-type] # as they came
        finally:
            calls.append("part ends")

    def noted(*arguments: object) -> None:
        calls.append("abort")
        abort(*arguments)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(direct._client, "_abort_multipart_upload", noted)
    async with direct.upload(KEY) as upload:
        await upload.add(1, b"first")
        monkeypatch.setattr(direct._client, "_upload_part", slow)
        adding = asyncio.create_task(upload.add(2, b"second"))
        await until(lambda: calls, "the second part")
    assert calls == ["part begins", "abort"]
    released.set()
    with pytest.raises(StoreDown):
        await adding
    assert calls == ["part begins", "abort", "part ends", "abort"]
    await nothing_is_there(direct)


async def test_a_server_that_stalls_ends_an_upload_with_the_error_that_came_first(
    own_minio: MinioServer,
) -> None:
    url = own_minio.bucket()
    direct, store = s3_store(url), s3_store(url, deadline_seconds=1)
    await direct.ping()
    content, paused_at = some_bytes(1), 0.0

    async def write() -> None:
        nonlocal paused_at
        async with store.upload(KEY) as upload:
            await upload.add(1, content)
            own_minio.pause()
            paused_at = time.monotonic()
            await upload.finish()

    try:
        with structlog.testing.capture_logs() as logs, pytest.raises(StoreDown, match=f"write {KEY}"):
            await write()
        # One deadline for `finish`, with a second for each MB, and one for the abort.
        assert time.monotonic() - paused_at < 20
    finally:
        own_minio.resume()
    assert [entry for entry in logs if entry["event"] == "parts of an upload are left" and entry["key"] == KEY]
    try:
        found = await direct.get(KEY)
    except NotFound:
        found = content
    assert found == content, "all of it or nothing"


async def test_a_success_that_turns_into_an_error_is_an_error() -> None:
    """A test double for the server: S3 may answer 200 before it knows the outcome, and then describe an error."""
    bodies = {
        "POST uploads": b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>",
        "POST uploadId": b"<Error><Code>InternalError</Code></Error>",
        "PUT partNumber": b"<Error><Code>InternalError</Code></Error>",
    }

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            method, target, _ = line.decode().split(" ")
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            size = next((int(row.split(":")[1]) for row in head.splitlines() if row.startswith("content-length")), 0)
            await reader.readexactly(size)
            body = bodies.get(f"{method} {target.partition('?')[2].partition('=')[0]}", b"")
            tag = 'ETag: "00000000000000000000000000000000"\r\nLast-Modified: Sun, 29 Nov 2026 12:00:00 GMT\r\n'
            length = 4 if method == "HEAD" else len(body)
            writer.write(f"HTTP/1.1 200 OK\r\n{tag}Content-Length: {length}\r\n\r\n".encode() + body)
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        store = s3_store(f"s3://k:s@127.0.0.1:{port}/bucket?secure=false", deadline_seconds=5)
        async with store.upload(KEY) as upload:
            await upload.add(1, b"1234")
            with pytest.raises(StoreDown, match="failed to write"):
                await upload.finish()
