"""Tags of an MP4 file as iTunes writes them: atoms in `moov/udta/meta/ilst`.

The audio comes after them, so it moves when they grow, and the tables of its offsets (`stco`, `co64`) are corrected.
Everything is done in place; ISO/IEC 14496-12 defines the boxes, Apple's QuickTime File Format the metadata.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from services.assembler import splicing
from shared.audio.ffmpeg import EncoderFailed
from shared.audio.joining import mp4_boxes

OFFSETS_AT_A_TIME = 65_536
_CONTAINERS = (b"trak", b"mdia", b"minf", b"stbl")
_NUMBERS: dict[bytes, np.dtype[Any]] = {b"stco": np.dtype(">u4"), b"co64": np.dtype(">u8")}


@dataclass(frozen=True, slots=True)
class Atom:
    """Where an atom is.

    Attributes:
        name: four bytes.
        start: where its header begins.
        body: where its content begins.
        end: where its content ends.
    """

    name: bytes
    start: int
    body: int
    end: int


def write(path: Path, items: Sequence[bytes]) -> None:
    """Replace the tags of the file.

    Raises:
        EncoderFailed: it is not an MP4 file, or its offsets would overflow.
        OSError: the disk is full.
    """
    meta = mp4_boxes.tag_list(items)
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        moov = _found(file, 0, end, b"moov")
        if moov is None:
            raise EncoderFailed("Tags cannot be written: the m4b file has no moov atom.")
        udta = _found(file, moov.body, moov.end, b"udta")
        old = _found(file, udta.body, udta.end, b"meta") if udta else None
        data = meta if udta else mp4_boxes.box(b"udta", meta)
        at, length = (old.start, old.end - old.start) if old else ((udta or moov).end, 0)
        # Tables first: they are before the tags or move with them, and are easier to find in the unchanged file.
        for table in _tables(file, moov.body, moov.end):
            _correct(file, table, behind=at, by=len(data) - length)
        for parent in (moov, udta):
            if parent is not None:
                _resize(file, parent, len(data) - length)
        splicing.replace(file, at, length, data)


def _atoms(file: BinaryIO, start: int, end: int) -> Iterator[Atom]:
    """The atoms between two offsets, one after the other."""
    while start + 8 <= end:
        file.seek(start)
        size, name = struct.unpack(">I4s", file.read(8))
        body = start + 8
        if size == 1:  # the size follows in eight bytes
            size, body = int.from_bytes(file.read(8)), start + 16
        elif size == 0:  # up to the end
            size = end - start
        if not body - start <= size <= end - start:
            raise EncoderFailed(f"Tags cannot be written: the m4b file is damaged at byte {start:,}.")
        yield Atom(name, start, body, start + size)
        start += size


def _found(file: BinaryIO, start: int, end: int, name: bytes) -> Atom | None:
    return next((atom for atom in _atoms(file, start, end) if atom.name == name), None)


def _tables(file: BinaryIO, start: int, end: int) -> list[Atom]:
    """The offset tables of all tracks."""
    tables = []
    for atom in _atoms(file, start, end):
        if atom.name in _CONTAINERS:
            tables += _tables(file, atom.body, atom.end)
        elif atom.name in _NUMBERS:
            tables.append(atom)
    return tables


def _correct(file: BinaryIO, table: Atom, *, behind: int, by: int) -> None:
    """Add `by` to each offset in a table that is at or beyond `behind`."""
    number = _NUMBERS[table.name]
    at = table.body + 8  # after version, flags and count
    while at < table.end:
        size = min(OFFSETS_AT_A_TIME * number.itemsize, table.end - at)
        file.seek(at)
        offsets = np.frombuffer(file.read(size), dtype=number).astype(np.int64)
        offsets[offsets >= behind] += by
        if offsets.size and int(offsets.max()) >= 256**number.itemsize:
            raise EncoderFailed("Tags cannot be written: the m4b file is larger than its offsets can say.")
        file.seek(at)
        file.write(offsets.astype(number).tobytes())
        at += size


def _resize(file: BinaryIO, atom: Atom, by: int) -> None:
    """Increase the size in an atom's header."""
    is_long = atom.body - atom.start > 8  # noqa: PLR2004 - a short header
    size = atom.end - atom.start + by
    file.seek(atom.start + (8 if is_long else 0))
    file.write(size.to_bytes(8 if is_long else 4))
