"""Joins MP3 segments: a tag, the Info frame, two frames of encoder delay, then silence and segments in turn.

The Info frame (Xing's and LAME's) tells a player the exact length, what to cut off at both ends, and where in the file
each hundredth of the time is. Without it, players guess from the first frames of a file of variable bit rate.
"""

from __future__ import annotations

import struct
from array import array
from typing import Final

import numpy as np

from shared.audio.joining.copying import CopyingJoiner
from shared.audio.joining.joiner import State, Whole
from shared.audio.joining.placement import Grid, Placed, Placement
from shared.audio.segments import lame, mp3, mp3_frames
from shared.audio.segments.crc16 import combined, crc16, repeated
from shared.audio.segments.mp3_side_info import SIDE_BYTES
from shared.errors import BadAudio

INFO_KILOBITS: Final = 64
"""Of the Info frame: the smallest that has room for it at every rate."""
_FLAGS: Final = 0x0F
"""Number of frames, bytes, table of contents and quality are given."""
_QUALITY: Final = 57
"""100 - 10 * V - q of LAME, with V 4 and q 3."""
_VBR_MTRH: Final = 4
_TOC_ENTRIES: Final = 100
_PADDING_LIMIT: Final = 4_095
"""Twelve bits."""
FRAMES_A_MARK: Final = 64
"""So far apart are frames whose place in the file is remembered, 1.5 s of speech; between them it is interpolated."""
_SIZE_LIMIT: Final = 0xFFFF_FFFF
"""What an Info frame says of a larger file; players then go by the number of frames."""


class Mp3Joiner(CopyingJoiner):
    """See `Joiner`.

    Args:
        grid: of MP3.
    """

    def __init__(self, grid: Grid) -> None:
        self._priming = mp3.priming(grid.rate, grid.channels)
        self._info_bytes = mp3_frames.frame_bytes(grid.rate, INFO_KILOBITS)
        silence = mp3.silence(grid.rate, grid.channels)
        super().__init__(silence)
        self._silence_crc = crc16(silence)
        self._crc = crc16(self._priming)  # of all frames so far
        self._bytes = self._info_bytes + len(self._priming)  # up to the next frame
        self._marks = array("Q", [0, self._bytes])  # a frame, where in the file it is, another frame, and so on
        self._given = len(self._marks)  # how many of them are in states

    def check(self, placed: Placed, payload: bytes | memoryview) -> None:
        """See `CopyingJoiner.check`."""
        head = placed.head
        if not mp3_frames.are_frames(payload, head.sizes, head.rate, head.channels):
            raise BadAudio("The frames of an MP3 segment are not those that its head lists.")

    def came(self, placed: Placed) -> None:
        """See `CopyingJoiner.came`."""
        head = placed.head
        edges = np.concatenate(([0], np.cumsum(head.sizes, dtype=np.int64)))
        some = np.append(np.arange(0, head.frames, FRAMES_A_MARK), head.frames)
        self._marks.extend(np.column_stack((placed.begins + some, self._bytes + edges[some])).ravel().tolist())
        self._bytes += head.payload_bytes
        self._crc = combined(self._crc, head.crc, head.payload_bytes)

    def was_silent(self, frames: int) -> None:
        """See `CopyingJoiner.was_silent`."""
        size = len(self._silence)
        self._crc = combined(self._crc, repeated(self._silence_crc, size, frames), size * frames)
        self._bytes += size * frames

    def head(self, whole: Whole) -> bytes:
        """The tag, the Info frame and the encoder's delay."""
        return whole.id3 + self._info(whole.placement) + self._priming

    def size(self, whole: Whole) -> int:
        """See `Joiner.size`."""
        return len(whole.id3) + self._bytes

    def state(self) -> State:
        """See `Joiner.state`."""
        marks, self._given = self._marks[self._given :].tolist(), len(self._marks)
        return super().state() | {"crc": self._crc, "bytes": self._bytes, "marks": marks}

    def resume(self, state: State) -> None:
        """See `Joiner.resume`."""
        super().resume(state)
        self._crc, self._bytes = state["crc"], state["bytes"]
        self._marks.extend(state["marks"])
        self._given = len(self._marks)

    def _info(self, place: Placement) -> bytes:
        """The Info frame; its size is that of `INFO_KILOBITS`."""
        frames = mp3.DELAY_FRAMES + place.frames
        padding = frames * place.frame_samples - mp3.ENCODER_DELAY_SAMPLES - place.samples
        if not 0 <= padding <= _PADDING_LIMIT:
            raise BadAudio(f"An MP3 file cannot have {padding} samples of padding.")
        start = mp3_frames.header(place.rate, place.channels, INFO_KILOBITS)
        side = bytes(SIDE_BYTES[mp3_frames.version_of(place.rate), place.channels])
        xing = (
            b"Xing"
            + struct.pack(">III", _FLAGS, frames, min(self._bytes, _SIZE_LIMIT))
            + self._toc(place.frames)
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
                struct.pack(">I", min(self._bytes, _SIZE_LIMIT)),
                struct.pack(">H", self._crc),
            )
        )
        frame = start + side + xing + details
        frame += struct.pack(">H", crc16(frame))
        return frame.ljust(self._info_bytes, b"\0")

    def _toc(self, frames: int) -> bytes:
        """For each hundredth of the time, where in the file it is, in 256ths of its bytes."""
        marks = np.frombuffer(self._marks, dtype=np.uint64).astype(np.float64)
        marks = np.append(marks, (frames, self._bytes)).reshape(-1, 2)
        wanted = (np.arange(_TOC_ENTRIES) * frames) // _TOC_ENTRIES
        offsets = np.interp(wanted, marks[:, 0], marks[:, 1])
        return bytes(np.minimum(offsets * 256 / self._bytes, 255).astype(np.uint8))
