"""The frames of a file, from the first segment to the last: what lies between a file's head and its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.assembler.segment_levels import SegmentLevels
from services.assembler.segments import Numbered
from shared.audio.joining.joiner import Joiner, State, Whole
from shared.audio.joining.placement import (
    LEAD_IN_BLOCKS,
    LEAD_OUT_BLOCKS,
    Grid,
    Placed,
    Placement,
    Placing,
    grid_of,
    pause_blocks,
    placement,
)
from shared.audio.loudness import block_samples
from shared.audio.segments.segment import MasteredSegment
from shared.protocol.manifest import Manifest

Change = Callable[[MasteredSegment], MasteredSegment]


@dataclass(frozen=True, slots=True)
class BodyState:
    """What another body needs to go on after the same segments.

    Of what grows with the file, it has only what was added since the state before.

    Attributes:
        grid: of the format.
        next_start: of the next chunk in the nominal timeline, in samples.
        free: the first frame that is free.
        sound_end: the frame with which the silence after the last chunk begins.
        joiner: the state of the joiner.
        levels: of the segments since the state before.
    """

    grid: Grid
    next_start: int
    free: int
    sound_end: int
    joiner: State
    levels: SegmentLevels


class Body:
    """Segments that are joined one by one, each on the grid of its format, where the pauses of the manifest put it.

    Args:
        manifest: of the job.
        start: makes the joiner of the format.
        change: made to each segment for this file alone; frames keep their sizes.

    Attributes:
        levels: how long and how loud the segments are.
    """

    def __init__(self, manifest: Manifest, start: Callable[[Grid], Joiner], *, change: Change | None = None) -> None:
        self._manifest = manifest
        self._start = start
        self._change = change
        self._joiner: Joiner | None = None
        self._grid = Grid(0, 0, 0)
        self._placing = Placing(0)
        self._next_start = 0  # of the next chunk in the nominal timeline, in samples
        self._sound_end = 0
        self._last_index = -1
        self.levels = SegmentLevels()
        self._given = (0, 0)  # how many segments and energies are in states

    def add(self, some: Numbered) -> list[bytes]:
        """The bytes of some segments, for each of them with the silence before it. CPU only.

        Raises:
            BadAudio: the frames of one are not as its head says, or cannot be changed.
        """
        pieces = []
        for index, segment in some:
            changed = segment if self._change is None else self._change(segment)
            joiner = self._begun(grid_of(changed.head))
            placed = self._placing.next(index, changed.head, self._next_start)
            pieces.append(joiner.add(placed, changed.payload))
            self._came(placed)
        return pieces

    def state(self) -> BodyState | None:
        """What `resume` needs in addition to what earlier calls returned; None if no other body can go on."""
        joiner = self.joiner.state()
        if joiner is None:
            return None
        new = self.levels.after(*self._given)
        self._given = (len(self.levels), len(self.levels.energies))
        return BodyState(self._grid, self._next_start, self._placing.free, self._sound_end, joiner, new)

    def resume(self, state: BodyState) -> None:
        """Go on where another body was: call it for each of its states, in order, and then `add` for what is left."""
        self._begun(state.grid).resume(state.joiner)
        self._next_start = state.next_start
        self._placing = Placing(state.grid.frame_samples, free=state.free)
        self._sound_end = state.sound_end
        self.levels.extend(state.levels)
        self._given = (len(self.levels), len(self.levels.energies))
        self._last_index = len(self.levels) - 1

    @property
    def joiner(self) -> Joiner:
        """Of at least one segment."""
        assert self._joiner is not None  # noqa: S101 - a manifest has chunks
        return self._joiner

    def placement(self) -> Placement:
        """Of all segments: after the last one is the silence at the end of an episode."""
        samples = self._next_start + (LEAD_OUT_BLOCKS - self._pause(self._last_index)) * block_samples(self._grid.rate)
        return placement(self._grid, ends=self._placing.free, sound_end=self._sound_end, samples=samples)

    def close(self, whole: Whole) -> tuple[bytes, bytes]:
        """What comes after the last segment, and what the file begins with."""
        end = self.joiner.end(whole)
        return end, self.joiner.head(whole)

    def _begun(self, grid: Grid) -> Joiner:
        if self._joiner is None:
            self._joiner = self._start(grid)
            self._grid = grid
            self._placing = Placing(grid.frame_samples)
            self._next_start = LEAD_IN_BLOCKS * block_samples(grid.rate)
        return self._joiner

    def _came(self, placed: Placed) -> None:
        """Keep what is still needed of a segment once its frames are in the file."""
        head = placed.head
        self._next_start += head.samples + self._pause(placed.index) * block_samples(head.rate)
        self._sound_end = placed.ends - head.after
        self._last_index = placed.index
        self.levels.add(placed)

    def _pause(self, index: int) -> int:
        """The pause after a chunk, in blocks."""
        return pause_blocks(self._manifest.pause_ms(self._manifest.chunks[index]))
