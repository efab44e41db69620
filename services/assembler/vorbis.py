"""Vorbis comments and pictures, and how a FLAC file holds them; https://xiph.org/flac/format.html (RFC 9639)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from pathlib import Path

from services.assembler import splicing
from services.assembler.cover import Cover
from shared.audio.ffmpeg import EncoderFailed

VENDOR = "Podcast Engine"
"""The vendor string, if the encoder has not written one itself."""
FLAC_BLOCK_BYTES = 0xFFFFFF
"""A block's size field has three bytes."""
_FRONT_COVER = 3
_DEPTH_BITS = 24
_PADDING, _COMMENT, _PICTURE = 1, 4, 6
_LAST = 0x80
"""The bit that marks the last block."""

Comments = Sequence[tuple[str, str]]


def comment(vendor: bytes, comments: Comments) -> bytes:
    """A comment header without framing: the vendor, then `KEY=value`s."""
    fields = [f"{key}={value}".encode() for key, value in comments]
    return _counted(vendor) + struct.pack("<I", len(fields)) + b"".join(map(_counted, fields))


def vendor(header: bytes) -> bytes:
    """The vendor that a comment header names."""
    return header[4 : 4 + int.from_bytes(header[:4], "little")] or VENDOR.encode()


def picture(cover: Cover) -> bytes:
    """A picture block: the front cover."""
    mime, description = cover.mime.encode(), b"Cover"
    return b"".join(
        (
            struct.pack(">II", _FRONT_COVER, len(mime)) + mime,
            struct.pack(">I", len(description)) + description,
            struct.pack(">5I", cover.width, cover.height, _DEPTH_BITS, 0, len(cover.data)) + cover.data,
        )
    )


def picture_comment(cover: Cover) -> tuple[str, str]:
    """The picture as a comment, for containers without blocks."""
    return "METADATA_BLOCK_PICTURE", base64.b64encode(picture(cover)).decode()


def write_flac(path: Path, comments: Comments, cover: Cover | None) -> None:
    """Replace the comments and the picture of a FLAC file; its other blocks stay, its padding goes.

    Raises:
        EncoderFailed: it is not a FLAC file, or a block is too large.
        OSError: the disk is full.
    """
    with path.open("r+b") as file:
        if file.read(4) != b"fLaC":
            raise EncoderFailed("Tags cannot be written: the flac file does not begin as one.")
        kept: list[tuple[int, bytes]] = []
        maker = b""
        is_last = False
        while not is_last:
            header = file.read(4)
            kind, size = header[0] & ~_LAST if header else _PADDING, int.from_bytes(header[1:])
            body = file.read(size)
            if len(header) + len(body) != 4 + size:
                raise EncoderFailed("Tags cannot be written: the flac file ends within its metadata.")
            is_last = bool(header[0] & _LAST)
            if kind == _COMMENT:
                maker = vendor(body)
            elif kind not in {_PADDING, _PICTURE}:
                kept.append((kind, body))
        kept.append((_COMMENT, comment(maker or VENDOR.encode(), comments)))
        if cover:
            kept.append((_PICTURE, picture(cover)))
        blocks = [_block(kind, body, is_last=at == len(kept)) for at, (kind, body) in enumerate(kept, 1)]
        splicing.replace(file, 4, file.tell() - 4, b"".join(blocks))


def _block(kind: int, body: bytes, *, is_last: bool) -> bytes:
    if len(body) > FLAC_BLOCK_BYTES:
        raise EncoderFailed(f"Tags cannot be written: {len(body):,} bytes are more than a FLAC block can hold.")
    return bytes([kind | (_LAST if is_last else 0)]) + len(body).to_bytes(3) + body


def _counted(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data
