"""The contents in a backup's folder: one file each, named by the SHA-256 of what is in it."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from shared.client.backup import index as indexes
from shared.errors import BadInput

PARTIAL: Final = "partial-"
_LOCK: Final = "lock"
_OBJECTS: Final = "objects"


def path_of(folder: Path, sha256: str) -> Path:
    """Where the content with this digest is."""
    return folder / _OBJECTS / sha256[:2] / sha256


def prepared(folder: Path) -> int:
    """Make the folder if it is missing, and keep others from writing there; closing the descriptor lets them again.

    Raises:
        BadInput: it is no backup's folder, or another backup is being made there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {path.name for path in folder.iterdir()}
    if names and not names & {_LOCK, indexes.COMPLETE, indexes.NEXT}:
        raise BadInput(f"{folder} holds something else than a backup.", hint="Name a new or empty folder.")
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise BadInput(f"Another backup is being made in {folder}.", hint="Wait for it.") from error
    (folder / _OBJECTS).mkdir(mode=0o700, exist_ok=True)
    for left in folder.glob(f"{PARTIAL}*"):
        left.unlink()
    return lock


def take_in(folder: Path, partial: Path) -> tuple[str, int]:
    """Give a file its place; its digest and its size."""
    sha256 = digest_of(partial)
    size_bytes = partial.stat().st_size
    partial.chmod(0o600)
    path = path_of(folder, sha256)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial.replace(path)
    return sha256, size_bytes


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(folder: Path, sha256: str) -> bool:
    """Whether the content is there and is what it was."""
    path = path_of(folder, sha256)
    return path.is_file() and digest_of(path) == sha256


def remove(folder: Path, digests: Iterable[str]) -> None:
    """Remove contents that no index names any more."""
    for sha256 in digests:
        path_of(folder, sha256).unlink(missing_ok=True)
