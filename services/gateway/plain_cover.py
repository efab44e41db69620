"""The cover of a show that has none: a square of one colour, since directories take no feed without a picture. Pure."""

from __future__ import annotations

import hashlib
import struct
import zlib
from functools import lru_cache
from typing import Final

NAME: Final = "plain.png"
SIDE_PIXELS: Final = 1_400
"""Apple: "1400 x 1400 pixels minimum"."""
_DEPTH_BITS: Final = 8
_PALETTE: Final = 3


@lru_cache(maxsize=64)
def png(show_id: str) -> bytes:
    """The picture, in a muted colour that belongs to the show's id."""
    colour = bytes(64 + byte // 2 for byte in hashlib.sha256(show_id.encode()).digest()[:3])
    rows = (b"\0" + bytes(SIDE_PIXELS)) * SIDE_PIXELS  # no filter, and the one colour of the palette
    header = struct.pack(">IIBBBBB", SIDE_PIXELS, SIDE_PIXELS, _DEPTH_BITS, _PALETTE, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", colour), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
