"""The frames of a file, from the first segment to the last: what lies between a file's head and its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.assembler.segments import Numbered
from shared.audio.joining.joiner import Joiner, Whole
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
from shared.audio.segments.segment import Head, MasteredSegment
from shared.protocol.manifest import Manifest

Change = Callable[[MasteredSegment], MasteredSegment]


class Body:
    """Segments that are joined one by one, each on the grid of its format, where the pauses of the manifest put it.

    Args:
        manifest: of the job.
        start: makes the joiner of the format.
        change: what becomes of each segment in this file alone; its frames keep their sizes.
    """

    def __init__(self, manifest: Manifest, start: Callable[[Grid], Joiner], *, change: Change | None = None) -> None:
        self._manifest = manifest
        self._start = start
        self._change = change
        self._joiner: Joiner | None = None
        self._placing: Placing | None = None
        self._next_start = 0  # of the next chunk in the nominal timeline, in samples
        self.placed: list[Placed] = []

    def add(self, some: Numbered) -> list[bytes]:
        """The bytes of some segments, for each of them with the silence before it. CPU only.

        Raises:
            BadAudio: the frames of one are not as its head says, or cannot be changed.
        """
        pieces = []
        for index, segment in some:
            changed = segment if self._change is None else self._change(segment)
            joiner = self._begun(changed.head)
            pieces.append(joiner.add(self._place(index, changed.head), changed.payload))
        return pieces

    def resume(self, heads: Sequence[Head], states: Sequence[dict[str, Any]]) -> None:
        """Go on after segments that were joined before.

        Args:
            heads: of the segments of the first chunks.
            states: of the joiners that joined them, in order.
        """
        joiner = self._begun(heads[0])
        for index, head in enumerate(heads):
            self._place(index, head)
        joiner.resume(states)

    def state(self) -> dict[str, Any] | None:
        """What `resume` needs, besides what this has returned before; None if the format cannot go on elsewhere."""
        return None if self._joiner is None else self._joiner.state()

    @property
    def joiner(self) -> Joiner:
        """Of at least one segment."""
        assert self._joiner is not None  # noqa: S101 - a manifest has chunks
        return self._joiner

    def placement(self) -> Placement:
        """Of all segments: after the last one is the silence at the end of an episode."""
        last = self.placed[-1]
        block = block_samples(last.head.rate)
        pause = pause_blocks(self._manifest.pause_ms(self._manifest.chunks[last.index]))
        return placement(self.placed, self._next_start + (LEAD_OUT_BLOCKS - pause) * block)

    def close(self, whole: Whole) -> tuple[bytes, bytes]:
        """What comes after the last segment, and what the file begins with."""
        end = self.joiner.end(whole)
        return end, self.joiner.head(whole)

    def _begun(self, head: Head) -> Joiner:
        if self._joiner is None:
            self._joiner = self._start(grid_of(head))
            self._placing = Placing(head.frame_samples)
            self._next_start = LEAD_IN_BLOCKS * block_samples(head.rate)
        return self._joiner

    def _place(self, index: int, head: Head) -> Placed:
        assert self._placing is not None  # noqa: S101 - begun with the first segment
        placed = self._placing.next(index, head, self._next_start)
        pause = pause_blocks(self._manifest.pause_ms(self._manifest.chunks[index]))
        self._next_start += head.samples + pause * block_samples(head.rate)
        self.placed.append(placed)
        return placed
