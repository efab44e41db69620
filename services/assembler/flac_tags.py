"""The comments and the picture of a FLAC file; https://xiph.org/flac/format.html (RFC 9639)."""

from __future__ import annotations

from pathlib import Path

from services.assembler import splicing
from services.assembler.cover import Cover
from shared.audio.ffmpeg import EncoderFailed
from shared.audio.joining import vorbis
from shared.audio.joining.flac import metadata

_PADDING, _COMMENT, _PICTURE = 1, 4, 6
_LAST = 0x80
"""The bit that marks the last block."""


def write_flac(path: Path, comments: vorbis.Comments, cover: Cover | None) -> None:
    """Replace the comments and the picture of a FLAC file; its other blocks stay, its padding goes.

    Raises:
        EncoderFailed: it is not a FLAC file.
        TooLarge: a block is too large.
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
                maker = vorbis.vendor(body)
            elif kind not in {_PADDING, _PICTURE}:
                kept.append((kind, body))
        kept.append((_COMMENT, vorbis.comment(maker or vorbis.VENDOR.encode(), comments)))
        if cover:
            kept.append((_PICTURE, vorbis.picture(cover)))
        splicing.replace(file, 4, file.tell() - 4, metadata(kept))
