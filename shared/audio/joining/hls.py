"""HLS of an episode that is still being spoken: where its fragments are, and the playlist that grows (RFC 8216). Pure.

A fragment ends where a chunk ends and holds at least `LEAST_SECONDS`, but for the first one, which ends with the first
chunk so that playing can begin. Longer ones are cut, between any two frames. Where a fragment is depends on the lengths
of the chunks up to its end alone, so what was published never changes, whoever publishes it. The frames are those of
the final m4b without its first one, the encoder's delay: that is silence, and no player has to skip it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Final

from shared.audio.joining import placement
from shared.audio.joining.placement import Placed
from shared.audio.loudness import block_samples
from shared.audio.segments import aac
from shared.audio.segments.aac_frames import FRAME_SAMPLES
from shared.audio.segments.segment import Head
from shared.errors import BadAudio

CONTENT_TYPE: Final = "application/vnd.apple.mpegurl"
VERSION: Final = 7
"""Of the protocol: the first in which any playlist may have fragments of MP4."""
LEAST_SECONDS: Final = 4
MOST_SECONDS: Final = 8
"""Players look for more after this time, or after half of it if there was nothing new."""
TARGET_SECONDS: Final = MOST_SECONDS
"""Fixed in the first playlist, so not shorter than anything that may come."""
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Cut:
    """Where one fragment is.

    Attributes:
        number: from 0 on.
        first: its first frame.
        frames: how many it holds.
        chunks: the first chunk of which there is something in it, and the last one.
    """

    number: int
    first: int
    frames: int
    chunks: tuple[int, int]


class HlsPlan:
    """Where the chunks and the fragments of an episode are, as far as it is known. About 100 bytes a chunk.

    Args:
        rate: of the chunks, Hz.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._block = block_samples(rate)
        self._least = -(-LEAST_SECONDS * rate // FRAME_SAMPLES)
        self._most = MOST_SECONDS * rate // FRAME_SAMPLES
        self._start = placement.LEAD_IN_BLOCKS * self._block  # of the next chunk, in samples of the nominal timeline
        self._begins: list[int] = []  # the frame with which each segment begins
        self._ends: list[int] = []
        self._edges = [0]  # of the fragments

    @property
    def chunks(self) -> int:
        """How many were added."""
        return len(self._begins)

    @property
    def fragments(self) -> int:
        """How many are complete."""
        return len(self._edges) - 1

    def add(self, samples: int, pause_ms: int, *, is_last: bool) -> None:
        """Take the next chunk.

        Args:
            samples: its length.
            pause_ms: the pause after it, in milliseconds.
            is_last: no chunk follows.
        """
        free = self._ends[-1] if self._ends else 0
        first = placement.first_frame(self._start, FRAME_SAMPLES, earliest=free + aac.CONTEXT_FRAMES)
        ends = first - aac.CONTEXT_FRAMES + aac.frames_of(samples)
        self._begins.append(first - aac.CONTEXT_FRAMES)
        self._ends.append(ends)
        pause = placement.LEAD_OUT_BLOCKS if is_last else placement.pause_blocks(pause_ms)
        self._start += samples + pause * self._block
        self._cut(ends, at_least=self._least if self.fragments else 1)
        if is_last:
            self._cut(max(-(-self._start // FRAME_SAMPLES), ends), at_least=1)

    def cut(self, number: int) -> Cut:
        """A fragment that is complete."""
        first, end = self._edges[number : number + 2]
        chunks = bisect_right(self._ends, first), bisect_left(self._begins, end) - 1
        return Cut(number, first, end - first, (min(chunks), chunks[1]))

    def placed(self, chunk: int, head: Head) -> Placed:
        """Where the segment of a chunk is.

        Raises:
            BadAudio: it is not as long as the chunk, or of another rate.
        """
        found = Placed(chunk, self._begins[chunk] + aac.CONTEXT_FRAMES, head)
        if (found.begins, found.ends, head.rate) != (self._begins[chunk], self._ends[chunk], self.rate):
            raise BadAudio(f"The AAC segment of chunk {chunk} is not as long as the chunk.")
        return found

    def _cut(self, until: int, *, at_least: int) -> None:
        """Cut off fragments of at most `MOST_SECONDS`, as long as `at_least` so many frames are left."""
        while until - self._edges[-1] >= at_least:
            self._edges.append(min(until, self._edges[-1] + self._most))


def playlist(plan: HlsPlan, *, initialization: str, name: str, is_complete: bool, remark: str = "") -> str:
    """The playlist of the fragments that there are; lines are only added, until it is complete.

    The title of each names the chunks that are heard in it: `12-14`.

    Args:
        plan: of the episode.
        initialization: address of the file that describes them.
        name: address of a fragment, with `{number}`.
        is_complete: nothing more will come.
        remark: why something is missing, for people; one line.
    """
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{TARGET_SECONDS}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        # A player may ask for what comes next with `_HLS_msn`, and is answered when it is there.
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES",
        # Without it, players begin near the end of what is still growing.
        "#EXT-X-START:TIME-OFFSET=0,PRECISE=YES",
        f'#EXT-X-MAP:URI="{initialization}"',
    ]
    for cut in map(plan.cut, range(plan.fragments)):
        first, last = cut.chunks
        seconds = cut.frames * FRAME_SAMPLES / plan.rate
        lines += [f"#EXTINF:{seconds:.{_DECIMALS}f},{first}-{last}", name.format(number=cut.number)]
    if is_complete:
        lines += [f"# {' '.join(remark.split())}"] if remark else []
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"
