"""Where each chunk of an episode is on the grid of one format. Pure.

100 ms are not a whole number of frames of any codec. So each chunk begins at the frame nearest to its nominal start;
frames are never added up from pauses, whose rounding would add up too. Where a pause is shorter than the silence that
two segments bring with them, the later chunk begins that much later, which the next longer pause makes up for.

The nominal timeline is on a grid of 100 ms: silence first, the chunks with their pauses, silence last.
"""

from __future__ import annotations

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

    The format's joiner adds what is needed before the first frame (an encoder's delay) and after the last one.

    Attributes:
        grid: what it has in common with its segments.
        frames: how many there are.
        samples: length of the episode, at the grid's rate; the last frame may reach beyond it.
    """

    grid: Grid
    frames: int
    samples: int

    @property
    def rate(self) -> int:
        """Of the chunks, Hz."""
        return self.grid.rate

    @property
    def channels(self) -> int:
        """1 or 2."""
        return self.grid.channels

    @property
    def frame_samples(self) -> int:
        """Samples in a frame, at `rate`."""
        return self.grid.frame_samples


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


def placement(grid: Grid, *, ends: int, sound_end: int, samples: int) -> Placement:
    """The whole of segments that were placed one by one.

    Args:
        grid: that they are on.
        ends: the frame after the last one of the last segment.
        sound_end: the frame with which that segment's silence after its chunk begins.
        samples: nominal length of the episode.
    """
    return Placement(
        grid,
        frames=max(-(-samples // grid.frame_samples), ends),
        samples=max(samples, sound_end * grid.frame_samples),
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
