"""FLAC frames as bytes (RFC 9639): one block of samples encoded, frames numbered, and the block that describes all.

A frame carries its number, and two checksums that cover it. A new number changes a few bytes of the header; the CRC-16
of the whole frame then follows from the old one, because a CRC that begins at 0 is linear.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from shared.errors import BadAudio

MARKER: Final = b"fLaC"
STREAM_INFO_BYTES: Final = 34
_LAST_BLOCK: Final = 0x80
_SYNC: Final = b"\xff\xf8"
"""Of a stream whose frames all have the same number of samples."""
_NUMBER_AT: Final = 4
_EXTRA_BYTES: Final = {6: 1, 7: 2}
"""Code of the number of samples -> bytes that follow the frame's number to say it."""
_CRC_BYTES: Final = 2
_CRC_8: Final = (0x07, 8)
_CRC_16: Final = (0x8005, 16)
"""Polynomials and their widths, high bit first."""

_Table = NDArray[np.uint16]


def encode_block(pcm: NDArray[np.int16], rate: int, channels: int) -> bytes:
    """One frame, numbered 0, of at most 4,096 16-bit mono samples in each of `channels`."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, channels=channels, subtype="PCM_16", format="FLAC") as sound:
        sound.write(np.repeat(pcm[:, None], channels, axis=1))
    data = file.getvalue()
    at = len(MARKER)
    while True:  # what comes before the frame
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 4])
        at += 4 + size
        if kind & _LAST_BLOCK:
            return data[at:]


def decode(frames: Sequence[bytes], rate: int, channels: int, frame_samples: int) -> NDArray[np.int16]:
    """The samples of frames that all have the number 0, one column a channel.

    Raises:
        BadAudio: a frame is damaged.
    """
    samples = len(frames) * frame_samples
    info = stream_info(rate, channels, frame_samples, samples, sizes=[len(frame) for frame in frames])
    data = MARKER + bytes([_LAST_BLOCK]) + len(info).to_bytes(3) + info + b"".join(frames)
    try:
        pcm, _ = soundfile.read(io.BytesIO(data), dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise BadAudio(f"FLAC frames cannot be decoded: {str(error).splitlines()[0]}.") from error
    if len(pcm) != samples:
        raise BadAudio(f"FLAC frames hold {len(pcm)} samples instead of {samples}.")
    return np.asarray(pcm, dtype=np.int16)


def stream_info(
    rate: int, channels: int, frame_samples: int, samples: int, *, sizes: Sequence[int], md5: bytes = bytes(16)
) -> bytes:
    """The content of the STREAMINFO block of 16-bit audio.

    Args:
        rate: Hz.
        channels: 1 or 2.
        frame_samples: in each frame.
        samples: in the whole stream.
        sizes: bytes of the smallest and the largest frame, and of any others.
        md5: of the unencoded samples, or zeros if it is not known.
    """
    limits = min(sizes).to_bytes(3) + max(sizes).to_bytes(3)
    packed = rate << 44 | (channels - 1) << 41 | (16 - 1) << 36 | samples
    return struct.pack(">HH", frame_samples, frame_samples) + limits + packed.to_bytes(8) + md5


def numbered(frames: Sequence[bytes], first: int) -> list[bytes]:
    """Frames with the number 0 as frames `first`, `first` + 1 and so on.

    Raises:
        BadAudio: one of them is not such a frame.
    """
    changes = np.zeros(len(frames), dtype=np.uint16)
    heads: list[bytes] = []
    edges: list[int] = []
    for at, (frame, number) in enumerate(zip(frames, itertools.count(first))):
        old = _head(frame)
        new = old[:_NUMBER_AT] + coded(number) + old[_NUMBER_AT + 1 : -1]
        new += bytes([_crc(new, *_CRC_8)])
        changes[at] = _crc(old, *_CRC_16) ^ _crc(new, *_CRC_16)
        heads.append(new)
        edges.append(len(old))
    behind = np.array([len(frame) - edge for frame, edge in zip(frames, edges, strict=True)])
    # The last two bytes behind the header are the checksum itself: shifted over them, nothing would be left to compare.
    changes = _moved(changes, behind - _CRC_BYTES)
    return [
        head + frame[edge:-_CRC_BYTES] + (int.from_bytes(frame[-_CRC_BYTES:]) ^ change).to_bytes(_CRC_BYTES)
        for frame, head, edge, change in zip(frames, heads, edges, changes.tolist(), strict=True)
    ]


def coded(number: int) -> bytes:
    """A frame's number, in the way of UTF-8, which is continued up to 36 bits."""
    if number < 0x80:  # noqa: PLR2004 - one byte, seven bits
        return bytes([number])
    tail = []
    limit = 0x40  # what the first byte has room for: a bit less with each byte that follows
    while number >= limit:
        tail.append(0x80 | number & 0x3F)
        number >>= 6
        limit = max(1, limit >> 1)
    return bytes([0xFF & ~(2 * limit - 1) | number, *reversed(tail)])


def _head(frame: bytes) -> bytes:
    """The header of a frame with the number 0, its checksum included."""
    extra = _EXTRA_BYTES.get(frame[2] >> 4, 0) if len(frame) > _NUMBER_AT else 0
    head = frame[: _NUMBER_AT + 1 + extra + 1]
    if head[:2] != _SYNC or head[_NUMBER_AT] or _crc(head[:-1], *_CRC_8) != head[-1]:
        raise BadAudio("A FLAC frame does not begin as one.")
    return head


@lru_cache(maxsize=4_096)
def _crc(data: bytes, polynomial: int, width: int) -> int:
    """The CRC of a few bytes, from 0, high bit first."""
    table = _step(polynomial, width)
    crc = 0
    for byte in data:
        crc = (crc << 8 & (1 << width) - 1) ^ int(table[crc >> width - 8 ^ byte])
    return crc


@lru_cache(maxsize=2)
def _step(polynomial: int, width: int) -> list[int]:
    """For each byte, its CRC."""
    values = []
    for byte in range(256):
        crc = byte << width - 8
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc >> width - 1 else 0)) & (1 << width) - 1
        values.append(crc)
    return values


def _moved(crcs: _Table, zeros: NDArray[np.int64]) -> _Table:
    """Each CRC-16 after as many more bytes of zero."""
    for power in range(int(zeros.max(initial=0)).bit_length()):
        crcs = np.where(zeros >> power & 1, _after(power)[crcs], crcs)
    return crcs


@lru_cache(maxsize=32)
def _after(power: int) -> _Table:
    """For each CRC-16, what it becomes after 2 ** `power` bytes of zero."""
    if power:
        half = _after(power - 1)
        return half[half]
    values = np.arange(65_536, dtype=np.uint16)
    table = np.array(_step(*_CRC_16), dtype=np.uint16)
    return np.asarray((values << 8) ^ table[values >> 8], dtype=np.uint16)
