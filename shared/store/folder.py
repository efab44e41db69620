"""The store as a folder: the embedded default for one machine.

A file appears under its key by a rename, so a reader never sees half an object and a killed writer leaves none.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import anyio

from shared.deadlines import deadline, in_thread
from shared.errors import NotFound, StoreDown

T = TypeVar("T")

_PARTIAL = ".partial-"
_THREADS = 16
_COPY_BYTES_A_SECOND = 1_000_000


class FileStore:
    """Objects as files below `root`."""

    def __init__(self, root: Path, *, deadline_seconds: float) -> None:
        self.root = root
        self.url = root.as_uri()
        self._deadline_seconds = deadline_seconds
        self._limiter: anyio.CapacityLimiter | None = None

    def _path(self, key: str) -> Path:
        if not key or key.startswith("/") or ".." in key.split("/") or "\0" in key:
            raise NotFound(f"{key!r} is no key of an object.")
        return self.root / key

    async def _run(self, doing: str, call: Callable[[], T], *, size_bytes: int = 0) -> T:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(_THREADS)
        try:
            async with deadline(
                self._deadline_seconds + size_bytes / _COPY_BYTES_A_SECOND, f"store {doing}", error=StoreDown
            ):
                return await in_thread(call, limiter=self._limiter)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound(f"There is no object for {doing}.") from error
        except OSError as error:
            raise StoreDown(
                f"The store at {self.root} failed to {doing}: {error.strerror or error}.",
                hint="Check the disk's space and the folder's permissions.",
            ) from error

    def _write(self, key: str, fill: Callable[[Path], object]) -> None:
        path = self._path(key)
        partial = path.with_name(f"{_PARTIAL}{secrets.token_hex(8)}")
        for last_try in (False, True):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                fill(partial)
                partial.replace(path)
            except FileNotFoundError:
                # A concurrent delete may have removed the empty folder in between.
                if last_try:
                    raise
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
            else:
                return

    async def put(self, key: str, data: bytes, *, content_type: str = "") -> None:  # noqa: ARG002 - files have none
        """See `Store.put`."""
        await self._run(
            f"write {key}", lambda: self._write(key, lambda path: path.write_bytes(data)), size_bytes=len(data)
        )

    async def put_file(self, key: str, path: Path, *, content_type: str = "") -> None:  # noqa: ARG002 - files have none
        """See `Store.put_file`."""
        await self._run(
            f"write {key}",
            lambda: self._write(key, lambda partial: shutil.copyfile(path, partial)),
            size_bytes=path.stat().st_size,  # noqa: ASYNC240 - one stat of a local file
        )

    async def get(self, key: str) -> bytes:
        """See `Store.get`."""
        return await self._run(f"read {key}", self._path(key).read_bytes)

    async def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Store.get_range`."""
        path = self._path(key)

        def read() -> bytes:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(length)

        return await self._run(f"read {key}", read)

    async def get_file(self, key: str, path: Path) -> None:
        """See `Store.get_file`."""
        size_bytes = await self.size(key) or 0

        def copy() -> None:
            partial = path.with_name(f"{_PARTIAL}{secrets.token_hex(8)}")
            try:
                shutil.copyfile(self._path(key), partial)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)

        await self._run(f"read {key}", copy, size_bytes=size_bytes)

    async def size(self, key: str) -> int | None:
        """See `Store.size`."""
        with contextlib.suppress(NotFound):
            status = await self._run(f"look up {key}", self._path(key).stat)
            return status.st_size
        return None

    async def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return await self.size(key) is not None

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """See `Store.list`."""
        folder = self.root / prefix.rpartition("/")[0]

        def walk() -> list[str]:
            found: list[str] = []
            for parent, folders, files in os.walk(folder):
                folders.sort()
                found += [
                    key
                    for name in files
                    if not name.startswith(_PARTIAL)
                    and (key := Path(parent, name).relative_to(self.root).as_posix()).startswith(prefix)
                ]
            return sorted(found)

        for key in await self._run(f"list {prefix}", walk):
            yield key

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        await self._run(f"delete {key}", lambda: self._path(key).unlink(missing_ok=True))

    async def ping(self) -> None:
        """See `Store.ping`."""
        await self._run("make its folder", lambda: self.root.mkdir(parents=True, exist_ok=True))
