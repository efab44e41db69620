"""Frames on their way from the store into a file: on disk, in a file without a name, so that each object is read once.

The beginning of a file depends on all segments, so their heads come first; reading the objects a second time for their
frames would take twice as long. The kernel removes the file with the process, however it ends.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from array import array
from typing import IO

from shared.audio.ffmpeg import disk_full


class Spool:
    """Pieces of bytes, appended and read again by number.

    Args:
        count: numbers are below this.
    """

    def __init__(self, count: int) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="podcast-assembler-")  # noqa: SIM115 - closed by `close`
        self._starts = array("q", bytes(8 * count))
        self._lengths = array("q", bytes(8 * count))
        self._end = 0
        self._reserving = threading.Lock()

    def append(self, number: int, piece: bytes | memoryview) -> None:
        """Keep a piece. Several threads may at a time.

        Raises:
            DiskFull: there is no room for it.
        """
        with self._reserving:
            start, self._end = self._end, self._end + len(piece)
        self._write(piece, start)
        self._starts[number], self._lengths[number] = start, len(piece)

    def replace(self, number: int, piece: bytes | memoryview) -> None:
        """Keep another piece of the same length in place of one."""
        assert len(piece) == self._lengths[number]  # noqa: S101 - what comes after it stays where it is
        self._write(piece, self._starts[number])

    def read(self, number: int) -> bytes:
        """A piece that was kept. Several threads may read at a time, since no position is shared."""
        return os.pread(self._file.fileno(), self._lengths[number], self._starts[number])

    def _write(self, piece: bytes | memoryview, start: int) -> None:
        try:
            written = 0
            while written < len(piece):
                written += os.pwrite(self._file.fileno(), piece[written:], start + written)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise disk_full() from error
            raise

    def close(self) -> None:
        """Give the room back."""
        self._file.close()
