"""The size of a JPEG or PNG, read from its header: whether it is a picture that players accept."""

from __future__ import annotations

from typing import Final

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_MARKER: Final = 0xFF
_JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG frame header, which holds the size."""


def size_of(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a complete JPEG or PNG; None if it is neither, or is truncated."""
    size = None
    if data.startswith(_PNG) and data[12:16] == b"IHDR" and b"IEND" in data[-16:]:
        size = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    elif data.startswith(_JPEG):
        size = _jpeg_size(data)
    return None if size is None or 0 in size else size


def is_png(data: bytes) -> bool:
    """Whether a picture is a PNG."""
    return data.startswith(_PNG)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the frame header, found by walking the segments; None if there is none."""
    at = 2
    while at + 9 <= len(data) and data[at] == _MARKER:
        marker = data[at + 1]
        if marker == _MARKER:  # a fill byte
            at += 1
        elif marker in _JPEG_SIZES:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
