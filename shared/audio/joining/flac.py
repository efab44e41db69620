"""Joins FLAC segments (RFC 9639): the frames get their numbers, and everything else of them stays as it was encoded.

The head holds the MD5 of all samples, so they are decoded on the way, which proves them too; and a table for seeking.
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.audio.joining import resumable_md5, vorbis
from shared.audio.joining.joiner import State, Whole
from shared.audio.joining.placement import Grid, Placed
from shared.audio.segments import flac_frames
from shared.errors import BadAudio, TooLarge

BLOCK_LIMIT_BYTES: Final = 0xFFFFFF
"""A block's size field has three bytes."""
SEEK_POINT_SECONDS: Final = 10
SILENT_FRAMES_AT_A_TIME: Final = 64
_STREAM_INFO, _SEEK_TABLE, _COMMENT, _PICTURE = 0, 3, 4, 6
_LAST: Final = 0x80
_SEEK_POINT: Final = struct.Struct(">QQH")
"""First sample of a frame, its offset behind the head, its number of samples."""


class FlacJoiner:
    """See `Joiner`.

    Args:
        grid: of FLAC.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        pcm = np.zeros(grid.frame_samples, dtype=np.int16)
        self._silence = flac_frames.encode_block(pcm, grid.rate, grid.channels)
        self._frame = 0  # the next frame of the episode
        self._offset = 0  # where it will be, behind the head
        self._limits = (BLOCK_LIMIT_BYTES, 0)  # bytes of the smallest and the largest frame so far
        self._every = SEEK_POINT_SECONDS * grid.rate // grid.frame_samples
        self._points: list[tuple[int, int, int]] = []
        self._given = 0  # how many of them are in states
        self._md5 = resumable_md5.Md5() if resumable_md5.is_available() else hashlib.md5(usedforsecurity=False)

    def size(self, whole: Whole) -> None:
        """Not known without making it."""

    def head(self, whole: Whole) -> bytes:
        """The blocks before the frames.

        Raises:
            TooLarge: the cover or the tags do not fit into a block.
        """
        place = whole.placement
        info = flac_frames.stream_info(
            place.rate,
            place.channels,
            place.frame_samples,
            place.frames * place.frame_samples,
            sizes=self._limits,
            md5=self._md5.digest(),
        )
        blocks = [
            (_STREAM_INFO, info),
            (_SEEK_TABLE, b"".join(_SEEK_POINT.pack(*point) for point in self._points)),
            (_COMMENT, vorbis.comment(vorbis.VENDOR.encode(), vorbis.labels_of(whole.labels))),
        ]
        if whole.labels.cover:
            blocks.append((_PICTURE, vorbis.picture(whole.labels.cover)))
        return flac_frames.MARKER + metadata(blocks)

    def add(self, placed: Placed, payload: bytes | memoryview) -> bytes:
        """See `Joiner.add`."""
        silence = self._silent(placed.begins - self._frame)
        edges = np.concatenate(([0], np.cumsum(placed.head.sizes, dtype=np.int64))).tolist()
        if edges[-1] != len(payload):
            raise BadAudio("The frames of a FLAC segment are not those that its head lists.")
        frames = [bytes(payload[start:end]) for start, end in itertools.pairwise(edges)]
        return silence + self._numbered(frames)

    def end(self, whole: Whole) -> bytes:
        """The silence after the last segment."""
        return self._silent(whole.placement.frames - self._frame)

    def state(self) -> State | None:
        """See `Joiner.state`: Python's own MD5 has none."""
        if not isinstance(self._md5, resumable_md5.Md5):
            return None
        points, self._given = self._points[self._given :], len(self._points)
        return {
            "frame": self._frame,
            "offset": self._offset,
            "limits": self._limits,
            "points": points,
            "md5": self._md5.state.hex(),
        }

    def resume(self, state: State) -> None:
        """See `Joiner.resume`."""
        self._frame, self._offset = state["frame"], state["offset"]
        self._limits = tuple(state["limits"])
        self._points += [tuple(point) for point in state["points"]]
        self._given = len(self._points)
        self._md5 = resumable_md5.Md5(bytes.fromhex(state["md5"]))

    def _silent(self, count: int) -> bytes:
        pieces = []
        while count:
            some = min(count, SILENT_FRAMES_AT_A_TIME)
            pieces.append(self._numbered([self._silence] * some))
            count -= some
        return b"".join(pieces)

    def _numbered(self, frames: list[bytes]) -> bytes:
        grid = self._grid
        pcm = flac_frames.decode(frames, grid.rate, grid.channels, grid.frame_samples)
        frames = flac_frames.numbered(frames, self._frame)
        self._md5.update(pcm.astype("<i2").tobytes())
        for frame in frames:
            if self._frame % self._every == 0:
                self._points.append((self._frame * grid.frame_samples, self._offset, grid.frame_samples))
            self._frame += 1
            self._offset += len(frame)
        sizes = [len(frame) for frame in frames]
        self._limits = (min(self._limits[0], *sizes), max(self._limits[1], *sizes))
        return b"".join(frames)


def metadata(blocks: Sequence[tuple[int, bytes]]) -> bytes:
    """Metadata blocks, given as kind and content; the last one is marked.

    Raises:
        TooLarge: one has more bytes than can be said of it.
    """
    whole = []
    for at, (kind, body) in enumerate(blocks, 1):
        if len(body) > BLOCK_LIMIT_BYTES:
            raise TooLarge(
                f"Tags cannot be written: {len(body):,} bytes are more than a FLAC block can hold.",
                hint="Make the cover smaller.",
            )
        whole.append(bytes([kind | (_LAST if at == len(blocks) else 0)]) + len(body).to_bytes(3) + body)
    return b"".join(whole)
