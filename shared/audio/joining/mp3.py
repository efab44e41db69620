"""Joins MP3 segments: a tag, the Info frame, two frames of encoder delay, then silence and segments in turn.

The Info frame (Xing's and LAME's) tells a player the exact length, what to cut off at both ends, and where in the file
each hundredth of the time is. Without it, players guess from the first frames of a file of variable bit rate.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import Final

import numpy as np

from shared.audio.joining.copying import CopyingJoiner
from shared.audio.joining.joiner import Whole
from shared.audio.joining.placement import Grid, Placed, Placement
from shared.audio.segments import lame, mp3, mp3_frames
from shared.audio.segments.crc16 import combined, crc16, repeated
from shared.errors import BadAudio

INFO_KILOBITS: Final = 64
"""Of the Info frame: the smallest that has room for it at every rate."""
_SIDE_BYTES: Final = {(3, 1): 17, (3, 2): 32, (2, 1): 9, (2, 2): 17}
"""Side information by MPEG version and channels; it is zero in the Info frame."""
_FLAGS: Final = 0x0F
"""Number of frames, bytes, table of contents and quality are given."""
_QUALITY: Final = 57
"""100 - 10 * V - q of LAME, with V 4 and q 3."""
_VBR_MTRH: Final = 4
_TOC_ENTRIES: Final = 100
_PADDING_LIMIT: Final = 4_095
"""Twelve bits."""
_SIZE_LIMIT: Final = 0xFFFF_FFFF
"""What an Info frame says of a larger file; players then go by the number of frames."""


class Mp3Joiner(CopyingJoiner):
    """See `Joiner`.

    Args:
        grid: of MP3.
    """

    def __init__(self, grid: Grid) -> None:
        super().__init__(mp3.silence(grid.rate, grid.channels))
        self._start: _Start | None = None

    def check(self, placed: Placed, payload: bytes | memoryview) -> None:
        """See `CopyingJoiner.check`."""
        head = placed.head
        if not mp3_frames.are_frames(payload, head.sizes, head.rate, head.channels):
            raise BadAudio("The frames of an MP3 segment are not those that its head lists.")

    def head(self, whole: Whole) -> bytes:
        """The tag, the Info frame and the encoder's delay."""
        start = self._started(whole)
        return whole.id3 + start.info() + start.priming

    def size(self, whole: Whole) -> int:
        """See `Joiner.size`."""
        return len(whole.id3) + self._started(whole).stream_bytes

    def _started(self, whole: Whole) -> _Start:
        if self._start is None:
            self._start = _Start(whole.placement)
        return self._start


class _Start:
    """What an MP3 file begins with, behind its tag."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._silence = mp3.silence(placement.rate, placement.channels)
        self.priming = mp3.priming(placement.rate, placement.channels)
        self._info_bytes = mp3_frames.frame_bytes(placement.rate, INFO_KILOBITS)

    @cached_property
    def stream_bytes(self) -> int:
        """Of the file without its tag."""
        payloads = sum(placed.head.payload_bytes for placed in self._placement.chunks)
        in_segments = sum(placed.head.frames for placed in self._placement.chunks)
        silent = (self._placement.frames - in_segments) * len(self._silence)
        return self._info_bytes + len(self.priming) + payloads + silent

    def info(self) -> bytes:
        """The Info frame; its size is that of `INFO_KILOBITS`."""
        place = self._placement
        frames = mp3.DELAY_FRAMES + place.frames
        padding = frames * place.frame_samples - mp3.ENCODER_DELAY_SAMPLES - place.samples
        if not 0 <= padding <= _PADDING_LIMIT:
            raise BadAudio(f"An MP3 file cannot have {padding} samples of padding.")
        total = self.stream_bytes
        start = mp3_frames.header(place.rate, place.channels, INFO_KILOBITS)
        side = bytes(_SIDE_BYTES[mp3_frames.version_of(place.rate), place.channels])
        xing = (
            b"Xing"
            + struct.pack(">III", _FLAGS, frames, min(total, _SIZE_LIMIT))
            + self._toc(total)
            + struct.pack(">I", _QUALITY)
        )
        details = b"".join(
            (
                f"LAME{lame.version()}".encode()[:9].ljust(9),
                bytes([_VBR_MTRH]),
                bytes(1 + 8),  # lowpass, replay gain: not given
                bytes(2),  # flags, lowest bit rate
                (mp3.ENCODER_DELAY_SAMPLES << 12 | padding).to_bytes(3, "big"),
                bytes(4),  # misc, MP3 gain, preset
                struct.pack(">I", min(total, _SIZE_LIMIT)),
                struct.pack(">H", self._crc()),
            )
        )
        frame = start + side + xing + details
        frame += struct.pack(">H", crc16(frame))
        return frame.ljust(self._info_bytes, b"\0")

    def _toc(self, total: int) -> bytes:
        """For each hundredth of the time, where in the file it is, in 256ths of its bytes."""
        place = self._placement
        marks = (np.arange(_TOC_ENTRIES) * place.frames) // _TOC_ENTRIES
        offsets = np.zeros(_TOC_ENTRIES)
        at, frame, silent = self._info_bytes + len(self.priming), 0, len(self._silence)
        for placed in place.chunks:
            for entry in np.flatnonzero((marks >= frame) & (marks < placed.begins)):
                offsets[entry] = at + (marks[entry] - frame) * silent
            at += (placed.begins - frame) * silent
            inside = np.flatnonzero((marks >= placed.begins) & (marks < placed.ends))
            if len(inside):
                edges = np.concatenate(([0], np.cumsum(placed.head.sizes, dtype=np.int64)))
                offsets[inside] = at + edges[marks[inside] - placed.begins]
            at += placed.head.payload_bytes
            frame = placed.ends
        for entry in np.flatnonzero(marks >= frame):
            offsets[entry] = at + (marks[entry] - frame) * silent
        return bytes(np.minimum(offsets * 256 / total, 255).astype(np.uint8))

    def _crc(self) -> int:
        """The CRC of all frames after the Info frame, from those of the segments."""
        silence, size = crc16(self._silence), len(self._silence)
        crc, frame = crc16(self.priming), 0

        def silent(count: int) -> int:
            return combined(crc, repeated(silence, size, count), size * count)

        for placed in self._placement.chunks:
            crc = combined(silent(placed.begins - frame), placed.head.crc, placed.head.payload_bytes)
            frame = placed.ends
        return silent(self._placement.frames - frame)
