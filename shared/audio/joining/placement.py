"""Where each chunk of an episode is on the grid of one format. Pure.

100 ms are no whole number of frames of any codec. So each chunk begins at the frame nearest to its nominal start;
frames are never added up from pauses, whose rounding would add up too. Where a pause is shorter than the silence that
two segments bring with them, the later chunk is moved back by what is missing, which the next longer pause makes good.

The nominal timeline is on a grid of 100 ms: silence first, the chunks with their pauses, silence last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.audio.segments.segment import Head

LEAD_IN_BLOCKS: Final = 3
"""300 ms of silence first: many players lose the first moments while their audio output starts."""
LEAD_OUT_BLOCKS: Final = 7
"""700 ms of silence last, in place of the last chunk's pause."""
MS_A_BLOCK: Final = 100
LEAST_PAUSE_BLOCKS: Final = 1
"""Also where a sentence was cut: mastered segments bring silence with them, and need room for it."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What all segments of an episode have in common.

    Attributes:
        rate: of the chunks, Hz.
        channels: 1 or 2.
        frame_samples: samples in a frame, at `rate`.
    """

    rate: int
    channels: int
    frame_samples: int


def grid_of(head: Head) -> Grid:
    """The grid that a segment is on."""
    return Grid(head.rate, head.channels, head.frame_samples)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one chunk is.

    Attributes:
        index: of the chunk.
        first: the frame with which the chunk begins; its segment begins `head.before` frames earlier.
        head: of its segment.
    """

    index: int
    first: int
    head: Head

    @property
    def begins(self) -> int:
        """The first frame of the segment."""
        return self.first - self.head.before

    @property
    def ends(self) -> int:
        """The frame after the last one of the segment."""
        return self.begins + self.head.frames


@dataclass(frozen=True, slots=True)
class Placement:
    """A whole episode. Between segments there are silent frames.

    What a format needs before the first frame (an encoder's delay) and after the last one its joiner adds.

    Attributes:
        rate: of the chunks, Hz.
        channels: 1 or 2.
        frame_samples: samples in a frame, at `rate`.
        frames: how many there are.
        samples: length of the episode, at `rate`; the last frame may reach beyond it.
        chunks: in order.
    """

    rate: int
    channels: int
    frame_samples: int
    frames: int
    samples: int
    chunks: Sequence[Placed]

    @property
    def grid(self) -> Grid:
        """What it has in common with its segments."""
        return Grid(self.rate, self.channels, self.frame_samples)


class Placing:
    """Lays segments of one format out, one after another.

    Args:
        frame_samples: of all of them.
        free: the first frame that is free, where others were placed before.
    """

    def __init__(self, frame_samples: int, *, free: int = 0) -> None:
        self._frame_samples = frame_samples
        self.free = free

    def next(self, index: int, head: Head, start: int) -> Placed:
        """The place of the segment that comes next.

        Args:
            index: of the chunk.
            head: of its segment.
            start: where the chunk begins in the nominal timeline, in samples.
        """
        placed = Placed(index, first_frame(start, self._frame_samples, earliest=self.free + head.before), head)
        self.free = placed.ends
        return placed


def place(heads: Sequence[Head], starts: Sequence[int], samples: int, *, first_index: int = 0) -> Placement:
    """Lay segments of one format out.

    Args:
        heads: of the segments, in order; at least one, all of one rate, frame size and number of channels.
        starts: where each chunk begins in the nominal timeline, in samples.
        samples: nominal length of the episode.
        first_index: of the first chunk, where these are a part of an episode.
    """
    placing = Placing(heads[0].frame_samples)
    pairs = enumerate(zip(heads, starts, strict=True), first_index)
    return placement([placing.next(index, head, start) for index, (head, start) in pairs], samples)


def placement(placed: Sequence[Placed], samples: int) -> Placement:
    """The whole of segments that were placed one by one.

    Args:
        placed: in order; at least one.
        samples: nominal length of the episode.
    """
    last = placed[-1]
    grid = grid_of(last.head)
    return Placement(
        rate=grid.rate,
        channels=grid.channels,
        frame_samples=grid.frame_samples,
        frames=max(-(-samples // grid.frame_samples), last.ends),
        samples=max(samples, (last.ends - last.head.after) * grid.frame_samples),
        chunks=placed,
    )


def first_frame(start: int, frame_samples: int, *, earliest: int) -> int:
    """The frame with which a chunk begins.

    Args:
        start: where it begins in the nominal timeline, in samples.
        frame_samples: samples in a frame.
        earliest: the first frame that there is room for.
    """
    # Halves up; Python's `round` would send them to the even neighbour.
    return max((2 * start + frame_samples) // (2 * frame_samples), earliest)


def pause_blocks(milliseconds: int) -> int:
    """A pause on the grid: the nearest whole number of 100 ms, halves up, and at least `LEAST_PAUSE_BLOCKS`."""
    return max(LEAST_PAUSE_BLOCKS, (milliseconds + MS_A_BLOCK // 2) // MS_A_BLOCK)
