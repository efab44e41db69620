"""What is kept of an episode's segments when their frames are in the file: 350 bytes for 8 s of speech."""

from __future__ import annotations

import math
from array import array

import numpy as np

from shared.audio.joining.placement import Placed, Placement
from shared.audio.loudness import Energies, block_samples


class SegmentLevels:
    """How long and how loud segments are, one after another, and where.

    Attributes:
        samples: of each chunk.
        firsts: the frame with which each chunk begins.
        gains_db: what was applied to each, before the limiter.
        energies: of all chunks, 100 ms each, measured after decoding.
        true_peak_dbtp: the highest of them, measured after decoding.
    """

    def __init__(self) -> None:
        self.samples = array("L")
        self.firsts = array("L")
        self.gains_db = array("d")
        self.energies = array("f")
        self.true_peak_dbtp = -math.inf

    def add(self, placed: Placed) -> None:
        """A segment that comes next."""
        head = placed.head
        self.samples.append(head.samples)
        self.firsts.append(placed.first)
        self.gains_db.append(head.gain_db)
        self.energies.frombytes(head.energies.astype(np.float32).tobytes())
        self.true_peak_dbtp = max(self.true_peak_dbtp, head.true_peak_dbtp)

    def extend(self, others: SegmentLevels) -> None:
        """Segments that come next."""
        self.samples.extend(others.samples)
        self.firsts.extend(others.firsts)
        self.gains_db.extend(others.gains_db)
        self.energies.extend(others.energies)
        self.true_peak_dbtp = max(self.true_peak_dbtp, others.true_peak_dbtp)

    def after(self, segments: int, energies: int) -> SegmentLevels:
        """What was added after so many segments with so many energies; its peak is that of all."""
        new = SegmentLevels()
        new.samples, new.firsts = self.samples[segments:], self.firsts[segments:]
        new.gains_db, new.energies = self.gains_db[segments:], self.energies[energies:]
        new.true_peak_dbtp = self.true_peak_dbtp
        return new

    def __len__(self) -> int:
        return len(self.samples)

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
