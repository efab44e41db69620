"""The store as a folder: the embedded default for one machine.

A file appears under its key by a rename under the key's lock (`folder_commit`), so no reader ever sees a partial
object, even if a writer is killed, and a writer that was given up changes nothing. Several processes may share the
folder.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

from shared.errors import Conflict, NotFound, StoreDown
from shared.store import folder_commit, folder_listing, traces
from shared.store.attempt import Attempt, Calls
from shared.store.folder_upload import FolderUpload
from shared.store.key_rules import PARTIAL, checked, checked_prefix
from shared.store.metrics import measured
from shared.store.port import PAGE, SMALL_OBJECT_BYTES, Contents, Entries, Keys, ObjectState, Upload, UploadedPart
from shared.store.upload_parts import checked_id, removed_unless_finished

T = TypeVar("T")


class FileStore:
    """Objects as files below `root`."""

    def __init__(self, root: Path, *, deadline_seconds: float) -> None:
        self.root = root
        self.url = root.as_uri()
        self._calls = Calls(deadline_seconds)

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    async def _run(self, doing: str, call: Callable[[Attempt], T], *, size_bytes: int = 0) -> T:
        with measured(doing), traces.calling(doing, self.url):
            return await self._translating(doing, call, size_bytes)

    async def _translating(self, doing: str, call: Callable[[Attempt], T], size_bytes: int) -> T:
        try:
            return await self._calls.run(doing, call, size_bytes=size_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound(f"There is no object for {doing}.") from error
        except OSError as error:
            raise StoreDown(
                f"The store at {self.root} failed to {doing}: {error.strerror or error}.",
                hint="Check the disk's space and the folder's permissions.",
            ) from error

    async def _write(
        self,
        key: str,
        fill: Callable[[Path], object],
        *,
        size_bytes: int,
        condition: folder_commit.Condition | None = None,
    ) -> None:
        path = self._path(key)

        def write(attempt: Attempt) -> None:
            with folder_commit.naming_what_is_in_the_way(self.root, key):
                folder_commit.write(self.root, path, fill, attempt, condition)

        await self._run(f"write {key}", write, size_bytes=size_bytes)

    async def put(self, key: str, data: bytes, *, content_type: str = "") -> None:  # noqa: ARG002 - files have none
        """See `Store.put`."""
        await self._write(key, lambda path: path.write_bytes(data), size_bytes=len(data))

    async def put_file(self, key: str, path: Path, *, content_type: str = "") -> None:  # noqa: ARG002 - files have none
        """See `Store.put_file`."""
        size_bytes = path.stat().st_size  # noqa: ASYNC240 - one stat of a local file
        await self._write(key, lambda partial: shutil.copyfile(path, partial), size_bytes=size_bytes)

    def upload(self, key: str, *, content_type: str = "") -> AbstractAsyncContextManager[Upload]:  # noqa: ARG002 - files have none
        """See `Store.upload`."""
        return removed_unless_finished(FolderUpload(self.root, checked(key), self._run), key)

    async def open_upload(self, key: str, *, content_type: str = "") -> str:  # noqa: ARG002 - files have none
        """See `Store.open_upload`."""
        return await FolderUpload(self.root, checked(key), self._run).begin()

    def taken_up(self, key: str, upload_id: str, parts: Sequence[UploadedPart] = ()) -> Upload:
        """See `Store.taken_up`."""
        return self._taken_up(key, upload_id, parts)

    async def abandon_upload(self, key: str, upload_id: str) -> None:
        """See `Store.abandon_upload`."""
        with contextlib.suppress(NotFound):
            await self._taken_up(key, upload_id).discard()

    def _taken_up(self, key: str, upload_id: str, parts: Sequence[UploadedPart] = ()) -> FolderUpload:
        begun = checked_id(key, upload_id, folder_commit.NAME)
        return FolderUpload(self.root, checked(key), self._run, taken_up=begun, parts=parts)

    async def create(self, key: str, data: bytes, *, content_type: str = "") -> str:  # noqa: ARG002 - files have none
        """See `Store.create`."""
        return await self._conditional(key, data, folder_commit.absent)

    async def replace(self, key: str, data: bytes, *, version: str, content_type: str = "") -> str:  # noqa: ARG002 - files have none
        """See `Store.replace`."""
        return await self._conditional(key, data, folder_commit.at_version(version))

    async def _conditional(self, key: str, data: bytes, condition: folder_commit.Condition) -> str:
        try:
            await self._write(key, lambda path: path.write_bytes(data), size_bytes=len(data), condition=condition)
        except Conflict as error:
            raise Conflict(f"{key} was not written: {error.message}") from error
        return folder_commit.version_of(data)

    async def get_versioned(self, key: str) -> tuple[bytes, str]:
        """See `Store.get_versioned`."""
        data = await self.get(key)
        return data, folder_commit.version_of(data)

    async def get(self, key: str) -> bytes:
        """See `Store.get`."""
        path = self._path(key)
        return await self._run(f"read {key}", lambda _: path.read_bytes())

    async def get_many(self, keys: Sequence[str]) -> Contents:
        """See `Store.get_many`."""
        paths = list(map(self._path, keys))

        def content(path: Path) -> bytes | None:
            with contextlib.suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return path.read_bytes()
            return None

        return await self._run(
            f"read {len(keys)} objects",
            lambda _: list(map(content, paths)),
            size_bytes=len(keys) * SMALL_OBJECT_BYTES,
        )

    async def get_range(self, key: str, start: int, length: int, *, tag: str | None = None) -> bytes:
        """See `Store.get_range`."""
        path = self._path(key)

        def read(_: Attempt) -> bytes:
            with path.open("rb") as file:
                if tag is not None and folder_commit.state_of(os.fstat(file.fileno())).tag != tag:
                    raise Conflict(f"{key} was changed.")
                file.seek(start)
                return file.read(length)

        return await self._run(f"read {key}", read)

    async def get_file(self, key: str, path: Path) -> None:
        """See `Store.get_file`."""
        size_bytes = await self.size(key) or 0

        def copy(attempt: Attempt) -> None:
            partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
            try:
                shutil.copyfile(self._path(key), partial)
                attempt.check()
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)

        await self._run(f"read {key}", copy, size_bytes=size_bytes)

    def link(self, key: str, *, seconds: int, content_type: str, disposition: str) -> str | None:  # noqa: ARG002 - a folder is no server
        """See `Store.link`."""
        return None

    async def size(self, key: str) -> int | None:
        """See `Store.size`."""
        found = await self.state(key)
        return None if found is None else found.size_bytes

    async def state(self, key: str) -> ObjectState | None:
        """See `Store.state`."""
        path = self._path(key)

        def look(_: Attempt) -> ObjectState:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise FileNotFoundError
            return folder_commit.state_of(found)

        with contextlib.suppress(NotFound):
            return await self._run(f"look up {key}", look)
        return None

    async def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return await self.size(key) is not None

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """See `Store.list`."""
        checked_prefix(prefix)
        for key in await self._run(f"list {prefix}", lambda _: list(folder_listing.keys(self.root, prefix))):
            yield key

    async def page(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Keys:
        """See `Store.page`."""
        checked_prefix(prefix)
        return await self._run(
            f"list {prefix}",
            lambda _: list(itertools.islice(folder_listing.keys(self.root, prefix, after), limit)),
        )

    async def entries(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Entries:
        """See `Store.entries`."""
        checked_prefix(prefix)
        return await self._run(
            f"list {prefix}",
            lambda _: list(itertools.islice(folder_listing.entries(self.root, prefix, after), limit)),
        )

    async def folders(self, prefix: str, *, after: str = "", limit: int = PAGE) -> Keys:
        """See `Store.folders`."""
        checked_prefix(prefix)
        return await self._run(
            f"list {prefix}",
            lambda _: list(itertools.islice(folder_listing.folders(self.root, prefix, after), limit)),
        )

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        path = self._path(key)
        await self._run(f"delete {key}", lambda attempt: folder_commit.delete(self.root, path, attempt))

    async def ping(self) -> None:
        """See `Store.ping`."""
        await self._run("make its folder", lambda _: folder_commit.make_folder(self.root, self.root))
