"""The files of a watched folder: which are complete, what they are called in `done/` and `failed/`."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.client.fetching import SUFFIXES

DONE: Final = "done"
FAILED: Final = "failed"
ERROR_SUFFIX: Final = ".error.txt"
_HALF_WRITTEN: Final = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".swp", "~")
"""How programs call a file that they are still writing."""
_RESULTS: Final = (*SUFFIXES.values(), ERROR_SUFFIX)

State = tuple[int, int, int]
"""Inode, size in bytes, time of the last change in ns: if it is the same, so is the file."""


@dataclass(frozen=True)
class SeenFile:
    """A file as it was seen.

    Attributes:
        path: of the file.
        state: see `State`.
    """

    path: Path
    state: State


class Settling:
    """Tells which files have stopped changing.

    Args:
        seconds: how long a file must stay the same.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[SeenFile, float] = {}

    def settled(self, found: Iterable[SeenFile], now: float) -> list[SeenFile]:
        """Those of the files there are that have been the same for long enough.

        Args:
            found: all files there are.
            now: in seconds of a clock that only goes forward.
        """
        self._since = {one: self._since.get(one, now) for one in found}
        return [one for one, since in self._since.items() if now - since >= self._seconds]


def files(folder: Path) -> list[SeenFile]:
    """What lies in the folder to be read, by name: no folders, links, results, hidden, empty or half-written files."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name.lower()
            if name.startswith(".") or name.endswith((*_HALF_WRITTEN, *_RESULTS)):
                continue
            one = seen(Path(entry.path))
            if one is not None and one.state[1] > 0:
                found.append(one)
    return sorted(found, key=lambda one: one.path.name)


def seen(path: Path) -> SeenFile | None:
    """The file as it is now; None if it is gone, or no file."""
    try:
        status = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return SeenFile(path, (status.st_ino, status.st_size, status.st_mtime_ns))


def free_stem(to: Path, path: Path) -> str:
    """A name for a file and its results in `to`, which no other file there has. The same until the file is there."""
    taken = set()
    if to.is_dir():
        taken = {
            other.stem.casefold() for other in to.iterdir() if not other.name.lower().endswith((*_RESULTS, ".tmp"))
        }
    number, stem = 1, path.stem
    while stem.casefold() in taken:
        number += 1
        stem = f"{path.stem}-{number}"
    return stem


def put(path: Path, text: str) -> None:
    """Write a small file so that it is there in full or not at all."""
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).replace(path)


def move(path: Path, to: Path) -> None:
    """Move a file within the folder; nothing is overwritten, since the name was free."""
    to.parent.mkdir(exist_ok=True)
    path.rename(to)
