"""Vorbis comments and pictures, as Ogg Opus and FLAC files carry them (RFC 9639, RFC 7845)."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Sequence
from typing import Final

from shared.audio.joining.joiner import Labels, track_numbers
from shared.audio.joining.pictures import TagPicture

VENDOR: Final = "Podcast Engine"
"""The vendor string, if the encoder has not written one itself."""
CHAPTERS_LIMIT: Final = 1_000
"""`CHAPTER000` to `CHAPTER999`: readers of this convention look for three digits only."""
_FRONT_COVER: Final = 3
_DEPTH_BITS: Final = 24
_KEY: Final = re.compile(r"[^\x20-\x3c\x3e-\x7d]")

Comments = Sequence[tuple[str, str]]


def labels_of(labels: Labels) -> list[tuple[str, str]]:
    """All tags and chapters of an episode."""
    marks = [(round(1_000 * chapter.start_seconds), chapter.title) for chapter in labels.chapters]
    return fields(labels.fields) + chapters(marks)


def fields(tags: dict[str, str]) -> list[tuple[str, str]]:
    """Tags under the names that Vorbis comments have for them; `track` 3/12 is a number and a total."""
    comments = []
    for key, value in tags.items():
        if key == "track" and (numbers := track_numbers(value)):
            comments += [("TRACKNUMBER", str(numbers[0])), ("TRACKTOTAL", str(numbers[1]))]
        else:
            comments.append((_KEY.sub("_", key).upper().replace("ALBUM_ARTIST", "ALBUMARTIST"), value))
    return comments


def chapters(marks: Sequence[tuple[int, str]]) -> list[tuple[str, str]]:
    """`CHAPTERxxx` and `CHAPTERxxxNAME` of chapters, given as start in milliseconds and title."""
    comments = []
    for number, (start, title) in enumerate(marks[:CHAPTERS_LIMIT]):
        comments.append((f"CHAPTER{number:03}", _timestamp(start)))
        comments.append((f"CHAPTER{number:03}NAME", title))
    return comments


def comment(vendor: bytes, comments: Comments) -> bytes:
    """A comment header without framing: the vendor, then `KEY=value`s."""
    lines = [f"{key}={value}".encode() for key, value in comments]
    return _counted(vendor) + struct.pack("<I", len(lines)) + b"".join(map(_counted, lines))


def vendor(header: bytes) -> bytes:
    """The vendor that a comment header names."""
    return header[4 : 4 + int.from_bytes(header[:4], "little")] or VENDOR.encode()


def picture(cover: TagPicture) -> bytes:
    """A picture block: the front cover."""
    mime, description = cover.mime.encode(), b"Cover"
    return b"".join(
        (
            struct.pack(">II", _FRONT_COVER, len(mime)) + mime,
            struct.pack(">I", len(description)) + description,
            struct.pack(">5I", cover.width, cover.height, _DEPTH_BITS, 0, len(cover.data)) + cover.data,
        )
    )


def picture_comment(cover: TagPicture) -> tuple[str, str]:
    """The picture as a comment, for containers without blocks."""
    return "METADATA_BLOCK_PICTURE", base64.b64encode(picture(cover)).decode()


def _counted(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _timestamp(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1_000)
    return f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
