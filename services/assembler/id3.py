"""ID3v2.4 frames, as mp3 and wav files carry them. Only what an episode needs; https://id3.org/id3v2.4.0-structure.

A frame is the bytes of its header and body. Text is UTF-8; a NUL would end it, so NULs are removed.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path

from services.assembler import splicing
from shared.audio.ffmpeg import EncoderFailed

TOP_LEVEL = 0x02
ORDERED = 0x01
"""Flags of a table of contents."""
CONTENTS_CHILDREN = 255
"""The number of children of a table of contents is one byte."""
HEADER_BYTES = 10
SYNCHSAFE_LIMIT = 1 << 28
"""Sizes are four bytes of seven bits each."""
_SYNCHSAFE_SHIFTS = (21, 14, 7, 0)
RIFF_LIMIT_BYTES = 0xFFFFFFFF
"""The size field of a WAV file; a larger file is RF64 and gets no tags."""
_NO_OFFSET = 0xFFFFFFFF
"""In a CHAP frame: times are given, not byte offsets."""
_FRONT_COVER = 3
_LATIN_1, _UTF_8 = b"\x00", b"\x03"


def text(name: str, value: str) -> bytes:
    """A text frame, such as TIT2."""
    return _frame(name, _UTF_8 + _plain(value))


def own_text(description: str, value: str) -> bytes:
    """TXXX: a text under a custom name."""
    return _frame("TXXX", _UTF_8 + _plain(description) + b"\0" + _plain(value))


def comment(language: str, description: str, value: str) -> bytes:
    """COMM: a comment in a language (ISO 639-2, three letters)."""
    code = language.encode("ascii", "replace").ljust(3)[:3]
    return _frame("COMM", _UTF_8 + code + _plain(description) + b"\0" + _plain(value))


def picture(mime: str, data: bytes) -> bytes:
    """APIC: the front cover."""
    return _frame("APIC", _LATIN_1 + mime.encode("ascii") + b"\0" + bytes([_FRONT_COVER]) + b"Cover\0" + data)


def chapter(element: str, start_ms: int, end_ms: int, title: str) -> bytes:
    """CHAP: start and end in milliseconds, and the title."""
    times = struct.pack(">4I", start_ms, end_ms, _NO_OFFSET, _NO_OFFSET)
    return _frame("CHAP", element.encode("ascii") + b"\0" + times + text("TIT2", title))


def contents(element: str, children: Sequence[str], flags: int, title: str) -> bytes:
    """CTOC: a table of contents of chapters, or of other tables; at most `CONTENTS_CHILDREN`."""
    names = b"".join(child.encode("ascii") + b"\0" for child in children)
    head = element.encode("ascii") + b"\0" + bytes([flags, len(children)])
    return _frame("CTOC", head + names + text("TIT2", title))


def tag(frames: Sequence[bytes]) -> bytes:
    """The whole tag: its header and the frames in the given order, in which ffmpeg lists the chapters.

    Raises:
        EncoderFailed: it exceeds the size limit of a tag.
    """
    body = b"".join(frames)
    return b"ID3\x04\x00\x00" + _synchsafe(len(body)) + body


def prepend(path: Path, frames: Sequence[bytes]) -> None:
    """Put a tag at the beginning of an mp3 file; an existing one is replaced.

    Raises:
        EncoderFailed: the tag is too large.
        OSError: the disk is full.
    """
    with path.open("r+b") as file:
        head = file.read(HEADER_BYTES)
        old = HEADER_BYTES + _plain_size(head[6:10]) if head.startswith(b"ID3") else 0
        splicing.replace(file, 0, old, tag(frames))


def append_to_wav(path: Path, frames: Sequence[bytes]) -> None:
    """Add a tag as the last chunk of a WAV file; a file of 4 GiB or more (RF64) gets none.

    Raises:
        EncoderFailed: it is not a WAV file, or the tag is too large.
        OSError: the disk is full.
    """
    data = tag(frames)
    chunk = b"id3 " + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    with path.open("r+b") as file:
        head = file.read(12)
        size = file.seek(0, os.SEEK_END)
        padding = b"\0" * (size % 2)
        whole = size + len(padding) + len(chunk) - 8
        if head[:4] == b"RF64" or whole > RIFF_LIMIT_BYTES:
            return
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise EncoderFailed("Tags cannot be written: the wav file has no RIFF header.")
        file.write(padding + chunk)
        file.seek(4)
        file.write(struct.pack("<I", whole))


def _frame(name: str, body: bytes) -> bytes:
    return name.encode("ascii") + _synchsafe(len(body)) + b"\0\0" + body


def _plain(value: str) -> bytes:
    return value.replace("\0", "").encode()


def _synchsafe(size: int) -> bytes:
    if size >= SYNCHSAFE_LIMIT:
        raise EncoderFailed(f"Tags cannot be written: {size:,} bytes are more than ID3 can hold.")
    return bytes((size >> shift) & 0x7F for shift in _SYNCHSAFE_SHIFTS)


def _plain_size(synchsafe: bytes) -> int:
    return sum(byte << shift for byte, shift in zip(synchsafe, _SYNCHSAFE_SHIFTS, strict=True))
