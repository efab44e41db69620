"""Ogg pages (RFC 3533): packets in, pages out."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

HEADER: Final = struct.Struct("<4sBBqIIIB")
"""Magic, version, flags, granule position, serial number, page number, checksum, number of segments."""
SEGMENT_BYTES: Final = 255
SEGMENTS: Final = 255
CONTINUED: Final = 0x01
FIRST: Final = 0x02
LAST: Final = 0x04
NO_PACKET_ENDS: Final = -1
"""The granule position of a page on which no packet ends."""
_CHECKSUM_AT: Final = 22
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def page(lacing: bytes, body: bytes, *, serial: int, number: int, granule: int, flags: int = 0) -> bytes:
    """One page.

    Args:
        lacing: the length of each segment; at most `SEGMENTS` of them.
        body: the segments.
        serial: of the stream.
        number: of the page.
        granule: position at the end of the last packet that ends on the page.
        flags: `CONTINUED`, `FIRST`, `LAST`.
    """
    return checked(HEADER.pack(b"OggS", 0, flags, granule, serial, number, 0, len(lacing)) + lacing + body)


def paged(packet: bytes, serial: int, *, first: int) -> Iterator[bytes]:
    """A packet on pages of its own."""
    whole = lacing(len(packet))
    for number, at in enumerate(range(0, len(whole), SEGMENTS)):
        segments = whole[at : at + SEGMENTS]
        is_end = at + SEGMENTS >= len(whole)
        yield page(
            segments,
            packet[at * SEGMENT_BYTES : at * SEGMENT_BYTES + sum(segments)],
            serial=serial,
            number=first + number,
            granule=0 if is_end else NO_PACKET_ENDS,
            flags=CONTINUED if number else 0,
        )


@lru_cache(maxsize=2_048)
def lacing(size: int) -> bytes:
    """The lengths of the segments of a packet: it ends with the first one below 255."""
    full, rest = divmod(size, SEGMENT_BYTES)
    return bytes([SEGMENT_BYTES]) * full + bytes([rest])


def checked(data: bytes) -> bytes:
    """The page with its checksum filled in; the field must be 0."""
    return data[:_CHECKSUM_AT] + struct.pack("<I", checksum(data)) + data[_CHECKSUM_AT + 4 :]


def checksum(data: bytes) -> int:
    """The checksum of a page whose checksum field is 0: CRC-32, high bit first, initially 0, not inverted at the end.

    zlib has the same CRC with the low bit first and inverted at both ends, so bits are reversed before and after.
    """
    low_first = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{low_first:032b}"[::-1], 2)
