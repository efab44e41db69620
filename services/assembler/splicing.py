"""Changes a few bytes inside a large file in place: memory does not grow with the file, and no second copy is made."""

from __future__ import annotations

import os
from typing import BinaryIO

PIECE_BYTES = 1_048_576
"""How much is moved at a time."""


def replace(file: BinaryIO, at: int, length: int, data: bytes) -> int:
    """Replace `length` bytes at `at` with `data`; what follows moves.

    Args:
        file: open for reading and writing.
        at: offset in the file.
        length: how many bytes are replaced; 0 inserts.
        data: the new content.

    Returns:
        By how many bytes the rest has moved; negative means towards the beginning.

    Raises:
        OSError: the disk is full; the file is then corrupt.
    """
    moved = len(data) - length
    end = file.seek(0, os.SEEK_END)
    rest = at + length
    if moved > 0:  # from the end, so that nothing is overwritten before it has been moved
        start = end
        while start > rest:
            size = min(PIECE_BYTES, start - rest)
            start -= size
            _move(file, start, start + moved, size)
    elif moved < 0:
        for start in range(rest, end, PIECE_BYTES):
            _move(file, start, start + moved, min(PIECE_BYTES, end - start))
        file.truncate(end + moved)
    file.seek(at)
    file.write(data)
    return moved


def _move(file: BinaryIO, source: int, target: int, size: int) -> None:
    file.seek(source)
    piece = file.read(size)
    file.seek(target)
    file.write(piece)
