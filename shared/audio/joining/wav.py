"""Joins WAV segments: a header, the samples, the tags as the last chunk. From 4 GiB on it is RF64 (EBU Tech 3306)."""

from __future__ import annotations

import struct
from typing import Final

from shared.audio.joining.copying import CopyingJoiner
from shared.audio.joining.joiner import Whole
from shared.audio.joining.placement import Grid, Placed
from shared.audio.pcm import SAMPLE_BYTES
from shared.errors import BadAudio

RIFF_LIMIT_BYTES: Final = 0xFFFFFFFF
_PCM: Final = 1
_ELSEWHERE: Final = 0xFFFFFFFF
"""The size of what is larger than a size field can say; the `ds64` chunk has it."""


class WavJoiner(CopyingJoiner):
    """See `Joiner`.

    Args:
        grid: of WAV.
    """

    def __init__(self, grid: Grid) -> None:
        self._frame_bytes = grid.frame_samples * grid.channels * SAMPLE_BYTES
        super().__init__(bytes(self._frame_bytes))

    def head(self, whole: Whole) -> bytes:
        """Everything before the samples."""
        place, data_bytes = whole.placement, whole.placement.frames * self._frame_bytes
        width = place.channels * SAMPLE_BYTES
        fields = struct.pack("<HHIIHH", _PCM, place.channels, place.rate, place.rate * width, width, 8 * SAMPLE_BYTES)
        behind = b"WAVE" + _chunk(b"fmt ", fields)
        riff_bytes = len(behind) + 8 + data_bytes + len(_tag(whole))
        if riff_bytes <= RIFF_LIMIT_BYTES:
            return struct.pack("<4sI", b"RIFF", riff_bytes) + behind + struct.pack("<4sI", b"data", data_bytes)
        sizes = struct.pack("<QQQI", 0, data_bytes, place.frames * place.frame_samples, 0)
        riff_bytes += len(_chunk(b"ds64", sizes))
        sizes = struct.pack("<Q", riff_bytes) + sizes[8:]
        behind = b"WAVE" + _chunk(b"ds64", sizes) + _chunk(b"fmt ", fields)
        return struct.pack("<4sI", b"RF64", _ELSEWHERE) + behind + struct.pack("<4sI", b"data", _ELSEWHERE)

    def size(self, whole: Whole) -> int:
        """See `Joiner.size`."""
        return len(self.head(whole)) + whole.placement.frames * self._frame_bytes + len(_tag(whole))

    def check(self, placed: Placed, payload: bytes | memoryview) -> None:
        """See `CopyingJoiner.check`."""
        if len(payload) != placed.head.frames * self._frame_bytes:
            raise BadAudio("The samples of a WAV segment are not as many as its head says.")

    def end(self, whole: Whole) -> bytes:
        """The silence after the last segment, and the tags."""
        return super().end(whole) + _tag(whole)


def _tag(whole: Whole) -> bytes:
    return _chunk(b"id3 ", whole.id3) if whole.id3 else b""


def _chunk(name: bytes, body: bytes) -> bytes:
    """A chunk; one of an odd length is filled up, which its size does not say."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
