"""An object of a folder store that is written in parts.

Each part is a file in a folder for parts, which no listing shows; the parts are joined when the upload is finished, and
appear as any object does (`folder_commit`). What is copied is read only then. A call that was given up removes what it
wrote as soon as its thread runs on, and has no other effect. What a killed process has left is removed by an upload
that begins a day later.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TypeVar

from shared.errors import Conflict, NotFound, StoreDown
from shared.store import folder_commit
from shared.store.attempt import Attempt
from shared.store.key_rules import checked
from shared.store.upload_parts import checked_number, checked_size, over

T = TypeVar("T")

_STEP_BYTES: Final = 16 * 1024 * 1024
"""Copied at a time, after which the thread of a call that was given up ends."""
_CANNOT_COPY: Final = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}
"""What `copy_file_range` answers where the file system or a sandbox does not have it (copy_file_range(2))."""


class FolderRun(Protocol):
    """Runs a blocking call in a thread, under the store's deadline (`FileStore`)."""

    async def __call__(self, doing: str, call: Callable[[Attempt], T], *, size_bytes: int = 0) -> T:
        """The call's result."""


@dataclass(frozen=True)
class _Part:
    file: Path
    size_bytes: int
    key: str = ""
    """Of the object that is copied; empty: the part was added."""
    tag: str = ""
    """Of that object."""


class FolderUpload:
    """See `shared.store.port.Upload`."""

    def __init__(self, root: Path, key: str, run: FolderRun) -> None:
        self._root = root
        self._key = key
        self._path = root / key
        self._run = run
        self._parts: dict[int, _Part] = {}
        self._partials: list[Path] = []
        """Every file that was begun; those of calls that were given up may not exist."""
        self._is_over = False

    async def add(self, number: int, data: bytes) -> None:
        """See `Upload.add`."""
        checked_number(number)
        self._check()
        partial = folder_commit.part_of_upload(self._root)
        self._partials.append(partial)
        is_first = len(self._partials) == 1

        def write(attempt: Attempt) -> None:
            if is_first:
                folder_commit.remove_abandoned_parts(self._root)
            is_wanted = False
            try:
                with folder_commit.naming_what_is_in_the_way(self._root, self._key):
                    folder_commit.make_folder(self._root, self._path.parent)  # fails now rather than at the end
                    folder_commit.fill_partial(self._root, partial, lambda file: file.write_bytes(data))
                is_wanted = not attempt.ended and not self._is_over  # after it was written: `discard` has not seen it
            finally:
                if not is_wanted:
                    self._remove([partial])
            self._check()

        await self._run(f"write {self._key}", write, size_bytes=len(data))
        self._parts[number] = _Part(partial, len(data))

    async def copy(self, number: int, key: str, *, size_bytes: int) -> None:
        """See `Upload.copy`."""
        checked_number(number)
        self._check()
        source = self._root / checked(key)

        def look(_: Attempt) -> str:
            found = source.stat()
            if not stat.S_ISREG(found.st_mode):
                raise FileNotFoundError
            if found.st_size != size_bytes:
                raise Conflict(f"{key} has {found.st_size} bytes and not {size_bytes}.")
            return folder_commit.state_of(found).tag

        tag = await self._run(f"copy {key}", look)
        self._parts[number] = _Part(source, size_bytes, key, tag)

    async def finish(self) -> int:
        """See `Upload.finish`."""
        self._check()
        parts = [self._parts[number] for number in sorted(self._parts)]
        size_bytes = checked_size(self._key, {number: part.size_bytes for number, part in self._parts.items()})

        def write(attempt: Attempt) -> None:
            def join(partial: Path) -> None:
                with partial.open("wb", buffering=0) as whole:
                    for part in parts:
                        _append(part, whole, attempt)

            with folder_commit.naming_what_is_in_the_way(self._root, self._key):
                folder_commit.write(self._root, self._path, join, attempt)

        await self._run(f"write {self._key}", write, size_bytes=size_bytes)
        return size_bytes

    async def discard(self) -> None:
        """See `Discardable.discard`; of a finished upload the parts, which are in the object now."""
        self._is_over = True  # before the files are removed: a thread that writes one later removes it itself
        if self._partials or self._parts:
            await self._run(f"abort {self._key}", lambda _: self._remove(self._partials))

    def _remove(self, partials: list[Path]) -> None:
        for partial in partials:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it could not be made
                partial.unlink()
        folder_commit.remove_empty_folders(self._root, self._path)

    def _check(self) -> None:
        if self._is_over:
            raise over(self._key)


def _append(part: _Part, whole: io.FileIO, attempt: Attempt) -> None:
    """Append a part to the file of the whole object.

    Raises:
        NotFound: the object that is copied is gone.
        Conflict: it has been replaced.
        StoreDown: a file that this upload wrote is gone.
        GivenUpError: the caller has given up.
    """
    try:
        source = part.file.open("rb", buffering=0)
    except (FileNotFoundError, NotADirectoryError) as error:
        if part.key:
            raise NotFound(f"There is no object {part.key} any more.") from error
        raise StoreDown("The file of a part that was written is gone.", hint="Who else changes the folder?") from error
    with source:
        if part.key and folder_commit.state_of(os.fstat(source.fileno())).tag != part.tag:
            raise Conflict(f"{part.key} was changed.")
        left_bytes = part.size_bytes
        while left_bytes:
            attempt.check()
            copied = _copied(source, whole, min(left_bytes, _STEP_BYTES))
            if not copied:
                raise StoreDown("The file of a part is shorter than it was.", hint="Who else changes the folder?")
            left_bytes -= copied


def _copied(source: io.FileIO, whole: io.FileIO, count: int) -> int:
    """Copy at most `count` bytes from one file's position to the other's; returns how many it were, 0 at the end."""
    try:
        copied = os.copy_file_range(source.fileno(), whole.fileno(), count)
    except OSError as error:
        if error.errno not in _CANNOT_COPY:
            raise
    else:
        if copied:
            return copied
    data = memoryview(source.read(count))
    left = data
    while left:
        left = left[whole.write(left) :]
    return len(data)
