"""Joins WAV segments: a header, the samples, the tags as the last chunk. From 4 GiB on it is RF64 (EBU Tech 3306)."""

from __future__ import annotations

import struct
from typing import Final

from shared.audio.joining.placement import Placed, Placement
from shared.audio.pcm import SAMPLE_BYTES
from shared.errors import BadAudio

RIFF_LIMIT_BYTES: Final = 0xFFFFFFFF
_PCM: Final = 1
_ELSEWHERE: Final = 0xFFFFFFFF
"""The size of what is larger than a size field can say; the `ds64` chunk has it."""


class WavJoiner:
    """See `Joiner`.

    Args:
        placement: on the grid of WAV.
        tag: a whole ID3 tag, or nothing.
    """

    def __init__(self, placement: Placement, tag: bytes = b"") -> None:
        self._placement = placement
        self._frame_bytes = placement.frame_samples * placement.channels * SAMPLE_BYTES
        self._data_bytes = placement.frames * self._frame_bytes
        self._tag = _chunk(b"id3 ", tag) if tag else b""
        self._frame = 0

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self.head()) + self._data_bytes + len(self._tag)

    def head(self) -> bytes:
        """Everything before the samples."""
        place = self._placement
        width = place.channels * SAMPLE_BYTES
        fields = struct.pack("<HHIIHH", _PCM, place.channels, place.rate, place.rate * width, width, 8 * SAMPLE_BYTES)
        behind = b"WAVE" + _chunk(b"fmt ", fields)
        whole = len(behind) + 8 + self._data_bytes + len(self._tag)
        if whole <= RIFF_LIMIT_BYTES:
            return struct.pack("<4sI", b"RIFF", whole) + behind + struct.pack("<4sI", b"data", self._data_bytes)
        sizes = struct.pack("<QQQI", 0, self._data_bytes, place.frames * place.frame_samples, 0)
        whole += len(_chunk(b"ds64", sizes))
        sizes = struct.pack("<Q", whole) + sizes[8:]
        behind = b"WAVE" + _chunk(b"ds64", sizes) + _chunk(b"fmt ", fields)
        return struct.pack("<4sI", b"RF64", _ELSEWHERE) + behind + struct.pack("<4sI", b"data", _ELSEWHERE)

    def add(self, placed: Placed, payload: bytes) -> bytes:
        """See `Joiner.add`."""
        if len(payload) != placed.head.frames * self._frame_bytes:
            raise BadAudio("The samples of a WAV segment are not as many as its head says.")
        silence = self._silent(placed.begins - self._frame)
        self._frame = placed.ends
        return silence + payload

    def end(self) -> bytes:
        """The silence after the last segment, and the tags."""
        silence = self._silent(self._placement.frames - self._frame)
        self._frame = self._placement.frames
        return silence + self._tag

    def sealed_head(self) -> None:
        """The first one stays."""

    def _silent(self, frames: int) -> bytes:
        return bytes(frames * self._frame_bytes)


def _chunk(name: bytes, body: bytes) -> bytes:
    """A chunk; one of an odd length is filled up, which its size does not say."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
