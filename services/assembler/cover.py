"""The cover picture: a JPEG or PNG that players accept; anything else is refused."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import BadInput, NotFound, TooLarge
from shared.store.port import Store

LIMIT_BYTES = 8_000_000
"""It is embedded in every file; a FLAC picture block is limited to 16 MB, and base64 (Vorbis comments) adds a third."""
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_MARKER = 0xFF
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG frame header, which holds the size."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A checked picture.

    Attributes:
        data: the file.
        mime: `image/jpeg` or `image/png`.
        width: in pixels.
        height: in pixels.
    """

    data: bytes
    mime: str
    width: int
    height: int


async def load(key: str | None, store: Store) -> Cover | None:
    """The picture that the job names, if it names one.

    Raises:
        BadInput: it is not in the store, or neither JPEG nor PNG.
        TooLarge: it is over 8 MB.
    """
    if key is None:
        return None
    size = await store.size(key)
    if size is not None and size > LIMIT_BYTES:
        raise TooLarge(f"The cover {key} has {size:,} bytes.", hint=f"The limit is {LIMIT_BYTES:,}; make it smaller.")
    try:
        return checked(await store.get(key), key)
    except NotFound:
        raise BadInput(f"The cover {key} is not in the store.", hint="Put it there before the job.") from None


def checked(data: bytes, name: str) -> Cover:
    """Check that `data` is a complete JPEG or PNG.

    Raises:
        BadInput: it is not, or it is truncated.
    """
    size = None
    if data.startswith(_PNG) and data[12:16] == b"IHDR" and b"IEND" in data[-16:]:
        size = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
        mime = "image/png"
    elif data.startswith(_JPEG):
        size = _jpeg_size(data)
        mime = "image/jpeg"
    if size is None or 0 in size:
        raise BadInput(f"The cover {name} is not a JPEG or PNG picture.", hint="Give a JPEG or PNG file.")
    return Cover(data, mime, *size)


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
