"""A zip archive judged by what it inflates to: measured while inflating, regardless of its headers and names."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from itertools import pairwise

from shared.errors import BadSource, TooLarge

INFLATED_LIMIT_BYTES = 200_000_000
"""For all members together. A book has about 1 MB of text, and its pictures hardly compress."""

MEMBERS_LIMIT = 10_000
"""A book has a few hundred files."""

_STEP_BYTES = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_IS_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, OSError, RuntimeError, ValueError, EOFError, NotImplementedError, struct.error)
_HINT = "Download or export it again, and check that a reader opens it."


def names(data: bytes) -> dict[str, int]:
    """Name → size of every member, as claimed by the archive.

    Raises:
        BadSource: it is not a zip archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {entry.filename: entry.file_size for entry in archive.infolist()}
    except _BROKEN as error:
        raise BadSource("The archive is broken: it cannot be unpacked.", hint=_HINT) from error


def head(data: bytes, name: str, length: int) -> bytes:
    """The beginning of a member; empty if there is none, or if it is broken."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name) as member:
            return member.read(length)
    except (KeyError, zlib.error, *_BROKEN):
        return b""


def inflated_bytes(data: bytes) -> int:
    """What all members inflate to, by inflating them.

    Raises:
        BadSource: it is broken: members overlap, are encrypted, packed in an unusual way, or not of their stated size.
        TooLarge: it inflates to more than `INFLATED_LIMIT_BYTES`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except _BROKEN as error:
        raise _broken("it cannot be unpacked") from error
    if len(entries) > MEMBERS_LIMIT:
        raise BadSource(
            f"The archive has {len(entries):,} members; {MEMBERS_LIMIT:,} are the limit.",
            hint="Export the document again, without what does not belong to it.",
        )
    try:
        places = [_place(data, entry) for entry in entries]
    except struct.error as error:
        raise _broken("it ends too early") from error
    if any(one.stop > other.start for one, other in pairwise(sorted(places, key=lambda place: place.start))):
        raise _broken("its members overlap")
    total = 0
    for entry, place in zip(entries, places, strict=True):
        packed = memoryview(data)[place.start : place.stop]
        size = _inflated(packed, INFLATED_LIMIT_BYTES - total) if entry.compress_type else len(packed)
        total += size
        if total > INFLATED_LIMIT_BYTES:
            raise TooLarge(
                f"The archive unpacks to more than {INFLATED_LIMIT_BYTES / 1e6:,.0f} MB.",
                hint="Split it into several documents, or leave out its pictures.",
            )
        if size != entry.file_size:
            raise _broken("a member is not as large as it says")
    return total


def _broken(why: str) -> BadSource:
    return BadSource(f"The archive is broken: {why}.", hint=_HINT)


def _place(data: bytes, entry: zipfile.ZipInfo) -> slice:
    """Where a member's packed bytes are."""
    if entry.flag_bits & _IS_ENCRYPTED:
        raise BadSource("The archive is encrypted.", hint="Save the document without a password.")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BadSource("The archive is packed in an unusual way.", hint="Pack it as an ordinary zip (deflate).")
    signature, name_length, extra_length = _LOCAL_HEADER.unpack_from(data, entry.header_offset)
    start = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length
    if signature != b"PK\x03\x04" or start + entry.compress_size > len(data):
        raise _broken("it ends too early")
    return slice(start, start + entry.compress_size)


def _inflated(packed: memoryview, limit_bytes: int) -> int:
    """Its inflated size; just over the limit if it is larger."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    try:
        for start in range(0, len(packed), _STEP_BYTES):
            left = bytes(packed[start : start + _STEP_BYTES])
            while left and not inflate.eof:
                size += len(inflate.decompress(left, _STEP_BYTES))
                left = inflate.unconsumed_tail
                if size > limit_bytes:
                    return size
    except zlib.error as error:
        raise _broken("a member cannot be unpacked") from error
    return size
