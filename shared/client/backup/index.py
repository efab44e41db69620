"""The index of a backup: which objects it has, and their contents' digests. One SQLite file."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.errors import BadInput

FORMAT: Final = "1"
COMPLETE: Final = "index.sqlite"
NEXT: Final = "next.sqlite"
_PAGE: Final = 1_000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS object (
    key TEXT PRIMARY KEY, size INTEGER NOT NULL, tag TEXT NOT NULL, sha256 TEXT NOT NULL, run INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS object_sha256 ON object (sha256);
CREATE TABLE IF NOT EXISTS replaced (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Saved:
    """An object of a backup.

    Attributes:
        key: its key in the store.
        size_bytes: its size.
        tag: the store's when it was copied; empty: it cannot be relied on.
        sha256: of its content.
    """

    key: str
    size_bytes: int
    tag: str
    sha256: str


class Index:
    """An open index. Its calls are short but block: run them in a thread, or in several."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open or create it.

        Args:
            path: of its file.
            read_only: change nothing; the file may be on a medium that cannot be written.

        Raises:
            BadInput: the file is no index, or one of a later version.
        """
        self.path = path
        # Statements are cached, and in Python 3.13 two threads can take the same one: wrong rows, or a crash.
        self._lock = threading.RLock()
        address = f"{path.absolute().as_uri()}{'?mode=ro&immutable=1' * read_only}"
        try:
            self._db = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None)
            if read_only:
                self._rows("SELECT 1 FROM object LIMIT 1")
            else:
                self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise BadInput(f"{path} is no index of a backup: {error}.", hint="Name the folder of a backup.") from error
        if self.fact("format") not in {"", FORMAT}:
            raise BadInput(f"{path} was written by a later version.", hint="Use that version of podcast.")
        if not read_only:
            self.note("format", FORMAT)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def fact(self, name: str) -> str:
        """What was noted under a name; empty if nothing was."""
        found = self._rows("SELECT value FROM fact WHERE name = ?", (name,))
        return str(found[0][0]) if found else ""

    def note(self, name: str, value: str) -> None:
        """Note something about the whole backup."""
        self._rows("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    def known(self, keys: Sequence[str]) -> dict[str, Saved]:
        """Of these keys, those that it has."""
        rows = self._rows(
            f"SELECT key, size, tag, sha256 FROM object WHERE key IN ({','.join('?' * len(keys))})",  # noqa: S608 - only question marks
            keys,
        )
        return {row[0]: Saved(*row) for row in rows}

    def record(self, objects: Iterable[Saved], *, run: int) -> None:
        """Note that these are in the store in this run; at once, or not at all."""
        with self._transaction():
            for found in objects:
                self._let_go(found.key, keeping=found.sha256)
                self._db.execute(
                    "INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?, ?)",
                    (found.key, found.size_bytes, found.tag, found.sha256, run),
                )

    def forget(self, keys: Iterable[str]) -> None:
        """Remove objects from the index."""
        with self._transaction():
            for key in keys:
                self._let_go(key, keeping="")
                self._db.execute("DELETE FROM object WHERE key = ?", (key,))

    def _let_go(self, key: str, *, keeping: str) -> None:
        self._db.execute(
            "INSERT OR IGNORE INTO replaced SELECT sha256 FROM object WHERE key = ? AND sha256 <> ?", (key, keeping)
        )

    def gone(self, *, run: int) -> int:
        """How many objects were not in the store in this run."""
        ((count,),) = self._rows("SELECT count(*) FROM object WHERE run <> ?", (run,))
        return int(count)

    def forget_gone(self, *, run: int) -> None:
        """Remove those."""
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO replaced SELECT sha256 FROM object WHERE run <> ?", (run,))
            self._db.execute("DELETE FROM object WHERE run <> ?", (run,))

    def unused(self) -> list[str]:
        """Digests of contents that no object has any more."""
        rows = self._rows("SELECT sha256 FROM replaced WHERE sha256 NOT IN (SELECT sha256 FROM object)")
        return [row[0] for row in rows]

    def total(self) -> tuple[int, int]:
        """The number of objects and their total size."""
        ((count, size_bytes),) = self._rows("SELECT count(*), coalesce(sum(size), 0) FROM object")
        return int(count), int(size_bytes)

    def page(self, *, after: str, prefix: str = "") -> list[Saved]:
        """The next objects after a key, in the order of their keys."""
        rows = self._rows(
            "SELECT key, size, tag, sha256 FROM object WHERE key > ? AND key >= ? AND substr(key, 1, ?) = ?"
            " ORDER BY key LIMIT ?",
            (after, prefix, len(prefix), prefix, _PAGE),
        )
        return [Saved(*row) for row in rows]

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Execute a statement; everything that it finds."""
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def opened_next(folder: Path) -> Index:
    """The index of the backup that is made now: that of an interrupted one, or a copy of the last complete one."""
    path, complete = folder / NEXT, folder / COMPLETE
    if not path.exists() and complete.exists():
        partial = folder / f"{NEXT}.partial"
        shutil.copyfile(complete, partial)
        partial.replace(path)
    return Index(path)


def completed(folder: Path) -> None:
    """The next index, closed, becomes the index of the last complete backup."""
    os.sync()  # the contents it names must be on the disk first
    (folder / NEXT).replace(folder / COMPLETE)
