"""An object of a folder store that is written in parts.

The parts of an upload are files in a folder of its own, which no listing shows; they are joined when the upload is
finished, and appear as any object does (`folder_commit`). A call that was given up removes what it wrote as soon as its
thread runs on, and has no other effect. What a killed process has left, and uploads that nobody has taken up for a day,
are removed by an upload that begins later.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

from shared.errors import Conflict, PodcastError, StoreDown
from shared.store import folder_commit
from shared.store.attempt import Attempt
from shared.store.port import UploadedPart
from shared.store.upload_parts import checked_number, checked_size, gone, over

T = TypeVar("T")

_STEP_BYTES: Final = 16 * 1024 * 1024
"""Copied at a time, after which the thread of a call that was given up ends."""
_CANNOT_COPY: Final = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EBADF}
"""What `copy_file_range` answers where the file system or a sandbox does not have it (copy_file_range(2))."""


class FolderRun(Protocol):
    """Runs a blocking call in a thread, under the store's deadline (`FileStore`)."""

    async def __call__(self, doing: str, call: Callable[[Attempt], T], *, size_bytes: int = 0) -> T:
        """The call's result."""


class FolderUpload:
    """See `shared.store.port.Upload`.

    Args:
        root: of the store.
        key: of the object.
        run: runs a call.
        taken_up: the id of an upload that was begun before.
        parts: of that.
    """

    def __init__(
        self, root: Path, key: str, run: FolderRun, *, taken_up: str = "", parts: Sequence[UploadedPart] = ()
    ) -> None:
        self._root = root
        self._key = key
        self._path = root / key
        self._run = run
        self._taken_up = taken_up
        self._id = taken_up or folder_commit.new_name()
        self._folder = folder_commit.folder_of_upload(root, self._id)
        self._parts = {part.number: part for part in parts}
        self._is_begun = bool(taken_up)
        self._is_over = False

    async def begin(self) -> str:
        """Make the folder for its parts; returns its id."""

        def make(_: Attempt) -> None:
            folder_commit.remove_abandoned_uploads(self._root)
            with folder_commit.naming_what_is_in_the_way(self._root, self._key):
                folder_commit.make_folder(self._root, self._path.parent)  # fails now rather than at the end
                folder_commit.make_folder(self._root, self._folder)

        await self._run(f"write {self._key}", make)
        self._is_begun = True
        return self._id

    async def add(self, number: int, data: bytes) -> UploadedPart:
        """See `Upload.add`."""
        checked_number(number)
        self._check()
        if not self._is_begun:
            await self.begin()
        partial = self._folder / folder_commit.new_name()

        def write(attempt: Attempt) -> None:
            is_wanted = False
            try:
                if not self._folder.is_dir():
                    raise self._lost()
                folder_commit.fill_partial(self._root, partial, lambda file: file.write_bytes(data))
                is_wanted = not attempt.ended and not self._is_over  # after it was written: `discard` has not seen it
            finally:
                if not is_wanted:
                    self._remove(partial)
            self._check()

        await self._run(f"write {self._key}", write, size_bytes=len(data))
        added = self._parts[number] = UploadedPart(number, partial.name, len(data))
        return added

    async def finish(self) -> int:
        """See `Upload.finish`."""
        self._check()
        parts = [self._parts[number] for number in sorted(self._parts)]
        size_bytes = checked_size(self._key, {number: part.size_bytes for number, part in self._parts.items()})

        def write(attempt: Attempt) -> None:
            def join(partial: Path) -> None:
                with partial.open("wb", buffering=0) as whole:
                    for part in parts:
                        self._append(part, whole, attempt)

            try:
                with folder_commit.naming_what_is_in_the_way(self._root, self._key):
                    folder_commit.write(self._root, self._path, join, attempt)
            finally:
                folder_commit.remove_empty_folders(self._root, self._path)
            if self._taken_up:  # nobody discards it
                self._remove()

        await self._run(f"write {self._key}", write, size_bytes=size_bytes)
        return size_bytes

    async def discard(self) -> None:
        """See `Discardable.discard`; of a finished upload the parts, which are in the object now."""
        self._is_over = True  # before the files are removed: a thread that writes one later removes it itself
        if self._is_begun:
            await self._run(f"abort {self._key}", lambda _: self._remove())

    def _remove(self, partial: Path | None = None) -> None:
        """Remove one part, or all."""
        if partial is None:
            shutil.rmtree(self._folder, ignore_errors=True)
        else:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # it could not be made
                partial.unlink()
            if self._is_over:
                self._remove()
        folder_commit.remove_empty_folders(self._root, self._path)

    def _append(self, part: UploadedPart, whole: io.FileIO, attempt: Attempt) -> None:
        """Append a part to the file of the whole object.

        Raises:
            NotFound: the upload was taken up, and is no longer there.
            Conflict: its part is gone, or another one.
            StoreDown: a file that this upload wrote is gone.
            GivenUpError: the caller has given up.
        """
        try:
            source = (self._folder / folder_commit.checked_name(part.tag)).open("rb", buffering=0)
        except (FileNotFoundError, NotADirectoryError) as error:
            if self._taken_up and self._folder.is_dir():
                raise Conflict(f"A part of the upload of {self._key} is gone.") from error
            raise self._lost() from error
        with source:
            if os.fstat(source.fileno()).st_size != part.size_bytes and self._taken_up:
                raise Conflict(f"A part of the upload of {self._key} is another one.")
            left_bytes = part.size_bytes
            while left_bytes:
                attempt.check()
                copied = _copied(source, whole, min(left_bytes, _STEP_BYTES))
                if not copied:
                    raise StoreDown("The file of a part is shorter than it was.", hint="Who else changes the folder?")
                left_bytes -= copied

    def _lost(self) -> PodcastError:
        """The error if its folder is gone."""
        if self._taken_up:
            return gone(self._key)
        return StoreDown("The file of a part that was written is gone.", hint="Who else changes the folder?")

    def _check(self) -> None:
        if self._is_over:
            raise over(self._key)


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
