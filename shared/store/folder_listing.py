"""Lists a folder store in S3's order: by the bytes of the whole key, so that `a-b/x` comes before `a/x`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from shared.store.folder_commit import state_of
from shared.store.key_rules import LOCKS, PARTIAL
from shared.store.port import Entry


def keys(root: Path, prefix: str, after: str = "") -> Iterator[str]:
    """The keys that begin with `prefix` and come after `after`, in order. Subtrees without such keys are skipped."""
    yield from _below(root, prefix.rpartition("/")[0], prefix, after)


def entries(root: Path, prefix: str, after: str = "") -> Iterator[Entry]:
    """As `keys`, with size and age, except for objects that are deleted meanwhile."""
    for key in keys(root, prefix, after):
        with contextlib.suppress(FileNotFoundError):
            found = state_of((root / key).stat())
            yield Entry(key, found.size_bytes, found.modified, found.tag if found.is_strong else "")


def folders(root: Path, prefix: str, after: str = "") -> Iterator[str]:
    """The names of the folders directly below `prefix` that come after the name `after`, in order."""
    for name in _names(root / prefix):
        if name.endswith("/") and name > f"{after}/" * bool(after):
            yield name[:-1]


def _below(root: Path, folder: str, prefix: str, after: str) -> Iterator[str]:
    base = f"{folder}/" if folder else ""
    for name in _names(root / folder):
        key = base + name
        if not name.endswith("/"):
            if key.startswith(prefix) and key > after:
                yield key
        elif (key.startswith(prefix) or prefix.startswith(key)) and (key > after or after.startswith(key)):
            yield from _below(root, key[:-1], prefix, after)


def _names(folder: Path) -> list[str]:
    """The sorted names in a folder, subfolders with a final `/`; empty if the folder does not exist (any more)."""
    try:
        with os.scandir(folder) as found:
            return sorted(
                f"{entry.name}/" if entry.is_dir() else entry.name
                for entry in found
                if entry.name != LOCKS and not entry.name.startswith(PARTIAL)
            )
    except (FileNotFoundError, NotADirectoryError):
        return []
