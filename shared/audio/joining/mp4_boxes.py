"""Boxes of an MP4 file as bytes (ISO/IEC 14496-12, Apple's QuickTime File Format), and the tags that iTunes writes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from shared.audio.joining.joiner import track_numbers
from shared.audio.joining.pictures import TagPicture

IMPLICIT, UTF_8, JPEG, PNG, INTEGER = 0, 1, 13, 14, 21
"""Kinds of data."""
FREEFORM: Final = "----"
NAMES: Final = {
    "title": "\xa9nam",
    "artist": "\xa9ART",
    "album_artist": "aART",
    "composer": "\xa9wrt",
    "album": "\xa9alb",
    "date": "\xa9day",
    "genre": "\xa9gen",
    "comment": "\xa9cmt",
    "description": "desc",
    "copyright": "cprt",
    "publisher": "\xa9pub",
}
"""Tags that have a name of their own; any other is written under a free name."""
AUDIOBOOK: Final = 2
"""iTunes' media kind `stik`: shown among books, with chapters and a remembered position."""
IDENTITY: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""The matrix of a picture that is neither moved nor turned."""


def box(name: bytes, *bodies: bytes) -> bytes:
    """A box."""
    body = b"".join(bodies)
    return struct.pack(">I", 8 + len(body)) + name + body


def full_box(name: bytes, *bodies: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with a version and flags."""
    return box(name, struct.pack(">I", version << 24 | flags), *bodies)


def descriptor(tag: int, *bodies: bytes) -> bytes:
    """A descriptor of MPEG-4 systems (ISO/IEC 14496-1); its size is written in four bytes, as everybody does."""
    body = b"".join(bodies)
    size = len(body)
    return bytes([tag, *(0x80 | size >> shift & 0x7F for shift in (21, 14, 7)), size & 0x7F]) + body


def movie_header(timescale: int, duration: int) -> bytes:
    """`mvhd`, for at most two tracks."""
    times = struct.pack(">IIII", 0, 0, timescale, duration)
    return full_box(b"mvhd", times, struct.pack(">IH10x", 0x10000, 0x100), IDENTITY, bytes(24), struct.pack(">I", 3))


def item(name: str, kind: int, data: bytes) -> bytes:
    """One tag: an atom of the list.

    Args:
        name: four characters of Latin-1, such as `©nam`.
        kind: type of the data.
        data: its content.
    """
    return box(name.encode("latin-1"), _data(kind, data))


def own_item(name: str, value: str) -> bytes:
    """A tag under a custom name."""
    mean = full_box(b"mean", b"com.apple.iTunes")
    return box(FREEFORM.encode(), mean, full_box(b"name", name.encode()), _data(UTF_8, value.encode()))


def items(fields: dict[str, str], cover: TagPicture | None) -> list[bytes]:
    """All tags of an episode: `fields` are named as ffmpeg names them."""
    tags = [_tag(key, value) for key, value in fields.items()]
    tags.append(item("stik", INTEGER, bytes([AUDIOBOOK])))
    if cover:
        tags.append(item("covr", PNG if cover.mime == "image/png" else JPEG, cover.data))
    return tags


def _tag(key: str, value: str) -> bytes:
    if key in NAMES:
        return item(NAMES[key], UTF_8, value.encode())
    if key == "track" and (numbers := track_numbers(value)):
        return item("trkn", IMPLICIT, struct.pack(">HHHH", 0, *numbers, 0))
    return own_item(key, value)


def tag_list(tags: Sequence[bytes]) -> bytes:
    """The box `meta` that holds tags."""
    return full_box(b"meta", full_box(b"hdlr", bytes(4) + b"mdirappl" + bytes(9)), box(b"ilst", *tags))


def _data(kind: int, data: bytes) -> bytes:
    return box(b"data", struct.pack(">II", kind, 0), data)
