"""What is kept of an episode's segments when their frames are in the file: 370 bytes for 8 s of speech."""

from __future__ import annotations

import math
from array import array
from typing import NamedTuple

import numpy as np

from shared.audio.chunk_audio import MD5_BYTES
from shared.audio.joining.placement import Placed, Placement
from shared.audio.loudness import Energies, block_samples


class ChunkSounds(NamedTuple):
    """Which audio chunks have, one after another: files for which it is equal were made of the same.

    Attributes:
        lengths: samples of each chunk.
        md5s: of each chunk's samples, one behind another; zeros for a segment of an older version, which does not say.
    """

    lengths: array[int]
    md5s: bytes

    def of(self, first: int, count: int) -> ChunkSounds:
        """Those of some chunks."""
        end = first + count
        return ChunkSounds(self.lengths[first:end], self.md5s[MD5_BYTES * first : MD5_BYTES * end])


class SegmentLevels:
    """How long and how loud segments are, one after another, and where.

    Attributes:
        samples: of each chunk.
        md5s: of each chunk's samples, as in `ChunkSounds`.
        firsts: the frame with which each chunk begins.
        gains_db: what was applied to each, before the limiter.
        energies: of all chunks, 100 ms each, measured after decoding.
        true_peak_dbtp: the highest of them, measured after decoding.
    """

    def __init__(self) -> None:
        self.samples = array("L")
        self.md5s = bytearray()
        self.firsts = array("L")
        self.gains_db = array("d")
        self.energies = array("f")
        self.true_peak_dbtp = -math.inf

    def add(self, placed: Placed) -> None:
        """A segment that comes next."""
        head = placed.head
        self.samples.append(head.samples)
        self.md5s += bytes.fromhex(head.chunk_md5) or bytes(MD5_BYTES)
        self.firsts.append(placed.first)
        self.gains_db.append(head.gain_db)
        self.energies.frombytes(head.energies.astype(np.float32).tobytes())
        self.true_peak_dbtp = max(self.true_peak_dbtp, head.true_peak_dbtp)

    def extend(self, others: SegmentLevels) -> None:
        """Segments that come next."""
        self.samples.extend(others.samples)
        self.md5s += others.md5s
        self.firsts.extend(others.firsts)
        self.gains_db.extend(others.gains_db)
        self.energies.extend(others.energies)
        self.true_peak_dbtp = max(self.true_peak_dbtp, others.true_peak_dbtp)

    def after(self, segments: int, energies: int) -> SegmentLevels:
        """What was added after so many segments with so many energies; its peak is that of all."""
        new = SegmentLevels()
        new.samples, new.firsts = self.samples[segments:], self.firsts[segments:]
        new.md5s = self.md5s[MD5_BYTES * segments :]
        new.gains_db, new.energies = self.gains_db[segments:], self.energies[energies:]
        new.true_peak_dbtp = self.true_peak_dbtp
        return new

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def sounds(self) -> ChunkSounds:
        """Which audio the segments were made of."""
        return ChunkSounds(self.samples, bytes(self.md5s))

    @property
    def gain_db(self) -> float:
        """The usual one."""
        return float(np.median(self.gains_db))

    def whole_energies(self, placement: Placement) -> Energies:
        """The 100 ms energies of the whole; pauses are silent."""
        block = block_samples(placement.rate)
        whole = np.zeros(-(-placement.frames * placement.frame_samples // block) + 1, dtype=np.float32)
        each = np.frombuffer(self.energies, dtype=np.float32)
        at = 0
        for samples, first_frame in zip(self.samples, self.firsts, strict=True):
            first, blocks = round(first_frame * placement.frame_samples / block), samples // block
            span = whole[first : first + blocks]
            span += each[at : at + len(span)]
            at += blocks
        return whole
