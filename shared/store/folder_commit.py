"""How a file of the folder store becomes visible: whole, in order, and never after its writer was given up.

Every change of an object (a write, a conditional write, a deletion) takes the lock of its key, checks whether it may
still take effect, and then renames or unlinks. Since this is checked under the lock, a write that was given up can
never take effect after one that began later: either it holds the lock and is visible first, or it finds that it was
given up. The lock is an advisory file lock, so it works between all threads and processes that share the folder, and
the kernel releases it when a process dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from shared.errors import BadInput, Conflict
from shared.store.attempt import Attempt
from shared.store.key_rules import LOCKS, PARTIAL
from shared.store.port import ObjectState

_STRIPES: Final = 256
"""Lock files; a key always uses the same one. They are never removed, so nobody can lock a file that is gone."""
_LONGEST_PAUSE_SECONDS: Final = 0.05
_FOLDER_TRIES: Final = 10
"""A new folder may be removed by a concurrent deletion while it is still empty."""

_SETTLED_SECONDS: Final = 2.0
_UPLOADS: Final = f"{PARTIAL}uploads"
_NAME_BYTES: Final = 8
NAME: Final = re.compile(r"[0-9a-f]{16}")
"""What `new_name` returns."""
_ABANDONED_SECONDS: Final = 24 * 3_600.0
"""After a day MinIO forgets the parts of an upload, too."""

Condition = Callable[[Path], None]
"""Looks at the object's file under its lock; raises `Conflict` to leave it as it is."""


def version_of(content: bytes) -> str:
    """The version of an object with this content.

    It is a digest, like an S3 ETag: size and modification time are not enough, because they can be the same for two
    writes within one tick of the file system's clock, and a new file may get the inode of the one it replaces.
    """
    return hashlib.sha256(content).hexdigest()


def state_of(found: os.stat_result) -> ObjectState:
    """Size, age and tag of the file with this status.

    A tag of inode, size and times costs no reading, but two writes within one tick of the clock may have the same one:
    until the file is `_SETTLED_SECONDS` old, its tag is weak (RFC 9110, 8.8.2.2 says the same of dates).
    """
    return ObjectState(
        size_bytes=found.st_size,
        modified=found.st_mtime,
        tag=f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ctime_ns:x}",
        is_strong=time.time() - max(found.st_mtime, found.st_ctime) > _SETTLED_SECONDS,
    )


def absent(path: Path) -> None:
    """Raises `Conflict` if there is an object."""
    if path.is_file():
        raise Conflict("There is an object already.")


def at_version(version: str) -> Condition:
    """The condition that the object exists and is at this version."""

    def check(path: Path) -> None:
        try:
            found = version_of(path.read_bytes())
        except FileNotFoundError as error:
            raise Conflict("The object is gone.") from error
        if found != version:
            raise Conflict("The object was changed.")

    return check


@contextlib.contextmanager
def naming_what_is_in_the_way(root: Path, key: str) -> Iterator[None]:
    """Raises `BadInput` where the folder of a key cannot be made because an object has its name."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        if not root.is_dir():
            raise OSError(error.errno, error.strerror) from error
        raise BadInput(
            f"The store cannot hold {key}: a part of its path is an object.", hint="Use another name."
        ) from error


def write(
    root: Path, path: Path, fill: Callable[[Path], object], attempt: Attempt, condition: Condition | None = None
) -> None:
    """Create a file with `fill` and let it appear at `path`.

    Raises:
        Conflict: the condition does not hold.
        BadInput: a part of the path is an object, or there is a folder with the object's name.
        GivenUpError: the caller has given up; nothing was changed.
    """
    partial = partial_beside(path)
    try:
        fill_partial(root, partial, fill)
        with _locked(root, path, attempt):
            attempt.check()
            if condition is not None:
                condition(path)
            partial.replace(path)
    except IsADirectoryError as error:
        raise BadInput("The store cannot hold an object where it holds a folder.", hint="Use another name.") from error
    finally:
        with contextlib.suppress(OSError):  # it is gone, or there is no folder for it
            partial.unlink()


def delete(root: Path, path: Path, attempt: Attempt) -> None:
    """Remove a file, and the folders below the first level that it leaves empty.

    Raises:
        GivenUpError: the caller has given up; nothing was changed.
    """
    if not path.parent.exists():
        return
    with _locked(root, path, attempt):
        attempt.check()
        path.unlink(missing_ok=True)
    remove_empty_folders(root, path)


def remove_empty_folders(root: Path, path: Path) -> None:
    """Remove the folders of `path` that are empty, except the one at the first level."""
    with contextlib.suppress(OSError):  # not empty, or removed by another
        for folder in list(path.relative_to(root).parents)[:-2]:
            (root / folder).rmdir()


def make_folder(root: Path, folder: Path) -> None:
    """Create a folder at or below `root`, with its parents: accessible only to their owner, whatever the umask.

    The folder contains people's texts, and `podcast submit` writes here with the umask of whoever calls it.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in reversed((folder.relative_to(root), *folder.relative_to(root).parents)):
            (root / part).mkdir(mode=0o700, exist_ok=True)


def partial_beside(path: Path) -> Path:
    """A new name for what is being written and shall become the file at `path`."""
    return path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")


def new_name() -> str:
    """A name that nothing else has."""
    return secrets.token_hex(_NAME_BYTES)


def checked_name(name: str) -> str:
    """The name, if it is one of `new_name`: others could lead anywhere.

    Raises:
        ValueError: it is none.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a part")
    return name


def folder_of_upload(root: Path, upload_id: str) -> Path:
    """Where the parts of an upload are."""
    return root / _UPLOADS / upload_id


def remove_abandoned_uploads(root: Path) -> None:
    """Remove uploads to which nothing was added for a day."""
    with contextlib.suppress(OSError):  # there is no such folder yet
        for upload in (root / _UPLOADS).iterdir():
            with contextlib.suppress(OSError):  # another process has removed it
                if time.time() - upload.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(upload, ignore_errors=True) if upload.is_dir() else upload.unlink()


def fill_partial(root: Path, partial: Path, fill: Callable[[Path], object]) -> None:
    """Create a file that only its owner can read, with its folders, and write it with `fill`, perhaps several times."""
    for tries_left in reversed(range(_FOLDER_TRIES)):
        try:
            make_folder(root, partial.parent)
            os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            fill(partial)
        except FileNotFoundError:
            if not tries_left:
                raise
        else:
            return


@contextlib.contextmanager
def _locked(root: Path, path: Path, attempt: Attempt) -> Iterator[None]:
    """Hold the lock of a key. Acquiring it is retried, not awaited, so that a thread that was given up ends."""
    folder = root / LOCKS
    make_folder(root, folder)
    name = f"{zlib.crc32(os.fsencode(path.relative_to(root))) % _STRIPES:02x}"
    file = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        pause_seconds = 0.0005
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                attempt.check()
                time.sleep(pause_seconds)
                pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
        yield
    finally:
        os.close(file)  # which releases the lock
