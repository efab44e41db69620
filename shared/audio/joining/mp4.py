"""Joins AAC segments into an m4b: everything that a player needs to know first, then the frames.

The tables at the beginning hold the size of every frame; until they are written, that is 2 bytes a frame, 5 MB for 30
hours. The edit list cuts off the encoder's delay and what the last frame has too much. Chapters are a text track, as
QuickTime has it, and also Nero's list, as far as there is room in that.
"""

from __future__ import annotations

import base64
import struct
from array import array
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.audio.joining import mp4_boxes, mp4_tracks
from shared.audio.joining.copying import CopyingJoiner
from shared.audio.joining.joiner import EpisodeChapter, Labels, State, Whole
from shared.audio.joining.mp4_boxes import box, full_box
from shared.audio.joining.placement import Grid, Placed, Placement
from shared.errors import BadAudio

SILENCE: Final = {1: bytes.fromhex("01182007"), 2: bytes.fromhex("211004608c1c")}
"""By channels: a frame of digital silence, at any rate."""
LISTED_CHAPTERS: Final = 255
"""Nero's list counts in one byte, and so does the length of a title."""
_TICKS_A_SECOND: Final = 10_000_000
_ID_SINGLE_CHANNEL: Final = 0
_ID_CHANNEL_PAIR: Final = 1
_LARGE_BOX_BYTES: Final = 16
_LARGEST_FRAME_BYTES: Final = 0xFFFF
"""What two bytes can say; AAC allows 1,536 for two channels."""
_BRANDS: Final = box(b"ftyp", b"M4B \0\0\2\0", b"M4B M4A mp42isom")


class Mp4Joiner(CopyingJoiner):
    """See `Joiner`.

    Args:
        grid: of AAC.
    """

    def __init__(self, grid: Grid) -> None:
        super().__init__(SILENCE[grid.channels])
        self._sizes = array("H", [len(self._silence)])  # of all frames so far; the first is the encoder's delay
        self._given = len(self._sizes)  # how many of them are in states
        self._start: _Start | None = None

    def check(self, placed: Placed, payload: bytes | memoryview) -> None:
        """See `CopyingJoiner.check`."""
        check_frames(placed, payload)
        if placed.head.sizes.max(initial=0) > _LARGEST_FRAME_BYTES:
            raise BadAudio("An AAC segment has frames that are larger than any can be.")

    def came(self, placed: Placed) -> None:
        """See `CopyingJoiner.came`."""
        self._sizes.frombytes(placed.head.sizes.astype(np.uint16).tobytes())

    def was_silent(self, frames: int) -> None:
        """See `CopyingJoiner.was_silent`."""
        self._sizes.extend([len(self._silence)] * frames)

    def head(self, whole: Whole) -> bytes:
        """Everything before the first frame of the episode: the tables, the titles, the encoder's delay."""
        return self._started(whole).head()

    def size(self, whole: Whole) -> int:
        """See `Joiner.size`."""
        return self._started(whole).file_bytes

    def state(self) -> State:
        """See `Joiner.state`."""
        sizes, self._given = self._sizes[self._given :], len(self._sizes)
        return super().state() | {"sizes": base64.b64encode(_little_endian(sizes)).decode()}

    def resume(self, state: State) -> None:
        """See `Joiner.resume`."""
        super().resume(state)
        sizes = np.frombuffer(base64.b64decode(state["sizes"]), dtype="<u2")
        self._sizes.frombytes(sizes.astype(np.uint16).tobytes())
        self._given = len(self._sizes)

    def _started(self, whole: Whole) -> _Start:
        if self._start is None:  # its tables are 10 MB for 30 hours
            sizes = np.frombuffer(self._sizes, dtype=np.uint16)
            self._start = _Start(sizes.astype(np.uint32), self._silence, whole.placement, whole.labels)
        return self._start


class _Start:
    """What an MP4 file begins with."""

    def __init__(self, sizes: NDArray[np.uint32], silence: bytes, placement: Placement, labels: Labels) -> None:
        self._sizes = sizes
        self._silence = silence
        self._placement = placement
        self._labels = labels
        chapters = [
            chapter for chapter in labels.chapters if _milliseconds(chapter.end_seconds - chapter.start_seconds)
        ]
        self._titles = [mp4_tracks.title_sample(chapter.title) for chapter in chapters]
        self._marks = [_milliseconds(chapter.start_seconds) for chapter in chapters]

    @property
    def file_bytes(self) -> int:
        """Of the whole file."""
        return self._start + self._data_bytes()

    def head(self) -> bytes:
        """Everything before the first frame of the episode."""
        large = struct.pack(">I4sQ", 1, b"mdat", _LARGE_BOX_BYTES + self._data_bytes())
        return _BRANDS + self._movie(self._start) + large + b"".join(self._titles) + self._silence

    def _data_bytes(self) -> int:
        return sum(map(len, self._titles)) + int(self._sizes.sum(dtype=np.int64))

    @cached_property
    def _start(self) -> int:
        """Where the data begins: all tables have the same length wherever that is."""
        return len(_BRANDS) + len(self._movie(0)) + _LARGE_BOX_BYTES

    def _movie(self, start: int) -> bytes:
        """`moov`, for data that begins at an offset."""
        place = self._placement
        length = -(-place.samples * mp4_tracks.TIMESCALE // place.rate)
        tracks = [
            mp4_tracks.audio_track(
                self._sizes,
                place.samples,
                place.rate,
                place.channels,
                start=start + sum(map(len, self._titles)),
                language=self._labels.language,
                chapters=bool(self._titles),
            )
        ]
        if self._titles:
            # The first title is shown from the beginning on: a track of text has no gaps.
            edges = [0, *self._marks[1:], max(length, self._marks[-1] + 1)]
            spans = [end - start for start, end in pairwise(edges)]
            tracks.append(mp4_tracks.text_track(self._titles, spans, start=start, language=self._labels.language))
        header = mp4_boxes.movie_header(mp4_tracks.TIMESCALE, length)
        tags = mp4_boxes.tag_list(mp4_boxes.items(self._labels.fields, self._labels.cover))
        return box(b"moov", header, *tracks, box(b"udta", _listed(self._labels.chapters), tags))


def check_frames(placed: Placed, payload: bytes | memoryview) -> None:
    """A walk over the frames of a segment.

    Raises:
        BadAudio: one does not begin as a frame of as many channels.
    """
    kind = _ID_CHANNEL_PAIR if placed.head.channels > 1 else _ID_SINGLE_CHANNEL
    edges = np.concatenate(([0], np.cumsum(placed.head.sizes, dtype=np.int64)))
    firsts = np.frombuffer(payload, dtype=np.uint8)[edges[:-1]] if edges[-1] == len(payload) else np.full(1, 0xFF)
    if (firsts >> 5 != kind).any():
        raise BadAudio("The frames of an AAC segment are not those that its head lists.")


def _listed(chapters: Sequence[EpisodeChapter]) -> bytes:
    """`chpl`: for players that do not know text tracks."""
    if not 0 < len(chapters) <= LISTED_CHAPTERS:
        return b""
    entries = []
    for chapter in chapters:
        title = chapter.title.encode()[:LISTED_CHAPTERS].decode(errors="ignore").encode()
        entries.append(struct.pack(">QB", round(chapter.start_seconds * _TICKS_A_SECOND), len(title)) + title)
    return full_box(b"chpl", struct.pack(">IB", 0, len(entries)), *entries, version=1)


def _little_endian(sizes: array[int]) -> bytes:
    return np.frombuffer(sizes, dtype=np.uint16).astype("<u2").tobytes()


def _milliseconds(seconds: float) -> int:
    return round(seconds * mp4_tracks.TIMESCALE)
