"""The cover that a client submits with its job: a JPEG or PNG picture of limited size."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.client.documents import Content, opened, size_bytes
from shared.errors import BadSource, TooLarge

COVER_LIMIT_BYTES: Final = 10_000_000
_PICTURES: Final = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}
MARK_BYTES: Final = max(map(len, _PICTURES))
"""The first so many bytes of a picture tell its format."""


def picture(path: Path) -> tuple[Content, str]:
    """The picture in this file, and the suffix of its format.

    Raises:
        BadSource: it cannot be read, or is neither JPEG nor PNG.
        TooLarge: it is over the limit.
    """
    try:
        content: Content = path if path.is_file() else path.read_bytes()  # else a pipe, as in `<(command)`
        with opened(content) as file:
            start = file.read(MARK_BYTES)
        size = size_bytes(content)
    except OSError as error:
        raise BadSource(f"The cover {path} cannot be read: {error.strerror or error}.") from error
    if size > COVER_LIMIT_BYTES:
        raise TooLarge(f"The cover {path} is over {COVER_LIMIT_BYTES / 1e6:.0f} MB.", hint="Make it smaller.")
    if suffix := suffix_of(start):
        return content, suffix
    raise BadSource(f"The cover {path} is neither JPEG nor PNG.", hint="Convert it to one of them.")


def suffix_of(start: bytes) -> str:
    """`jpg` or `png`, by the beginning of a picture; empty: it is neither."""
    return next((suffix for mark, suffix in _PICTURES.items() if start.startswith(mark)), "")
