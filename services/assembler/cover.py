"""The cover picture: a JPEG or PNG that players accept; anything else is refused."""

from __future__ import annotations

from dataclasses import dataclass

from shared import pictures
from shared.errors import BadInput, NotFound, TooLarge
from shared.store.port import Store

LIMIT_BYTES = 8_000_000
"""It is embedded in every file; a FLAC picture block is limited to 16 MB, and base64 (Vorbis comments) adds a third."""


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
    size = pictures.size_of(data)
    if size is None:
        raise BadInput(f"The cover {name} is not a JPEG or PNG picture.", hint="Give a JPEG or PNG file.")
    return Cover(data, "image/png" if pictures.is_png(data) else "image/jpeg", *size)
