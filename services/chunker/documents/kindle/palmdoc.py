"""PalmDOC's compression: records of 4,096 bytes of text, each compressed on its own by references to earlier bytes."""

from __future__ import annotations

from typing import Final

from services.chunker.documents.kindle.records import broken

RECORD_LIMIT_BYTES: Final = 65_536
"""Of a decompressed record; they have 4,096 bytes, and a few more so that no character is cut."""


def unpacked(packed: bytes) -> bytes:
    """A record's text.

    Raises:
        BadSource: it repeats what is not there, or unpacks to too much.
    """
    made = bytearray()
    at, end = 0, len(packed)
    while at < end:
        code = packed[at]
        at += 1
        if code == 0 or 9 <= code < 0x80:  # noqa: PLR2004 - a character that stands for itself
            made.append(code)
        elif code < 9:  # noqa: PLR2004 - so many bytes as they are
            made += packed[at : at + code]
            at += code
        elif code >= 0xC0:  # noqa: PLR2004 - a space and a letter
            made.append(0x20)
            made.append(code ^ 0x80)
        else:
            if at == end:
                break  # cut in the middle of a pair; other readers stop here too
            pair = (code << 8 | packed[at]) & 0x3FFF
            at += 1
            _repeat(made, pair >> 3, (pair & 7) + 3)
        if len(made) > RECORD_LIMIT_BYTES:
            raise broken("a record is too large after decompression")
    return bytes(made)


def _repeat(made: bytearray, distance: int, length: int) -> None:
    start = len(made) - distance
    if distance == 0 or start < 0:
        raise broken("a record refers to bytes before its beginning")
    if distance >= length:
        made += made[start : start + length]
    else:  # it repeats what it is just writing
        made += (made[start:] * (length // distance + 1))[:length]
