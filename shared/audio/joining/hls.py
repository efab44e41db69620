"""HLS of an episode that is still being spoken: fragments of MP4 with AAC, and the playlist that grows (RFC 8216).

A fragment ends where a chunk ends and holds at least `LEAST_SECONDS`, but for the first one, which ends with the first
chunk so that playing can begin. Longer ones are cut, between any two frames. Cuts depend on what comes before them, so
what was published never changes. The frames are those of the final m4b without its first one, the encoder's delay: that
is silence, and no player has to skip it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.audio.joining import mp4_boxes, mp4_tracks
from shared.audio.joining.mp4 import SILENCE, check_frames
from shared.audio.joining.mp4_boxes import box, full_box
from shared.audio.joining.placement import Placed
from shared.audio.segments.aac_frames import FRAME_SAMPLES

CONTENT_TYPE: Final = "application/vnd.apple.mpegurl"
FRAGMENT_CONTENT_TYPE: Final = "video/iso.segment"
CODECS: Final = "mp4a.40.2"
"""AAC-LC, as a master playlist calls it."""
VERSION: Final = 7
"""Of the protocol: the first with fragments of MP4 for all."""
LEAST_SECONDS: Final = 6
MOST_SECONDS: Final = 15
TARGET_SECONDS: Final = 16
"""Fixed in the first playlist, so longer than anything that may come."""
_LARGEST_FRAME_BYTES: Final = 768
"""6,144 bits a channel are the most that AAC allows."""
_EXPECTED_BITS_A_SECOND: Final = 70_000
_BASE_IS_FRAGMENT: Final = 0x020000
_HAS_OFFSET, _HAS_SIZES = 0x01, 0x0200
_DEPENDS_ON_NONE: Final = 0x02000000
_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Fragment:
    """One file of the stream.

    Attributes:
        number: from 0 on.
        first: its first frame.
        frames: how many it holds.
        data: the file.
    """

    number: int
    first: int
    frames: int
    data: bytes


class HlsPacker:
    """Cuts segments into fragments, as they come in order.

    Args:
        rate: of the chunks, Hz.
        channels: 1 or 2.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._silence = SILENCE[channels]
        self._least = -(-LEAST_SECONDS * rate // FRAME_SAMPLES)
        self._most = MOST_SECONDS * rate // FRAME_SAMPLES
        self._number = 0
        self._first = 0  # frame of the episode with which the next fragment begins
        self._sizes = np.zeros(0, dtype=np.uint32)
        self._data = b""

    def add(self, placed: Placed, payload: bytes) -> list[Fragment]:
        """Take the next segment, whose SHA-256 was checked; return the fragments that are complete.

        Raises:
            BadAudio: its frames are not as its head says.
        """
        check_frames(placed, payload)
        self._be_silent(placed.begins)
        self._take(placed.head.sizes.astype(np.uint32), payload)
        return self._finished(at_least=self._least if self._number else 1)

    def end(self, frames: int) -> list[Fragment]:
        """The rest of an episode of `frames` frames."""
        self._be_silent(frames)
        return self._finished(at_least=1)

    def _be_silent(self, until: int) -> None:
        silent = until - self._first - len(self._sizes)
        self._take(np.full(silent, len(self._silence), dtype=np.uint32), self._silence * silent)

    def _take(self, sizes: NDArray[np.uint32], data: bytes) -> None:
        self._sizes = np.concatenate((self._sizes, sizes))
        self._data += data

    def _finished(self, *, at_least: int) -> list[Fragment]:
        """What there is in fragments of at most `MOST_SECONDS`, as long as it is at least as many frames."""
        fragments = []
        while len(self._sizes) >= at_least:
            sizes, self._sizes = np.split(self._sizes, [self._most])
            length = int(sizes.sum(dtype=np.int64))
            data, self._data = self._data[:length], self._data[length:]
            whole = fragment(self._number, self._first, sizes, data)
            fragments.append(Fragment(self._number, self._first, len(sizes), whole))
            self._number += 1
            self._first += len(sizes)
        return fragments


def initialization(rate: int, channels: int, *, language: str) -> bytes:
    """The file that describes all fragments (`EXT-X-MAP`).

    Args:
        rate: Hz.
        channels: 1 or 2.
        language: ISO 639-2.
    """
    entry = mp4_tracks.audio_entry(
        rate, channels, largest_bytes=_LARGEST_FRAME_BYTES * channels, bits_a_second=_EXPECTED_BITS_A_SECOND
    )
    table = box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), entry),
        *(full_box(name, bytes(4)) for name in (b"stts", b"stsc")),
        full_box(b"stsz", bytes(8)),
        full_box(b"stco", bytes(4)),
    )
    track = box(
        b"trak",
        mp4_tracks.track_header(
            mp4_tracks.AUDIO_TRACK,
            0,
            flags=mp4_tracks.ENABLED | mp4_tracks.IN_MOVIE,
            volume=mp4_tracks.UNITY_VOLUME,
        ),
        mp4_tracks.sound_media(mp4_tracks.media_header(rate, 0, language), table),
    )
    defaults = struct.pack(">IIIII", mp4_tracks.AUDIO_TRACK, 1, FRAME_SAMPLES, 0, _DEPENDS_ON_NONE)
    movie = box(b"moov", mp4_boxes.movie_header(rate, 0), track, box(b"mvex", full_box(b"trex", defaults)))
    return box(b"ftyp", b"iso6\0\0\0\1iso6cmfcmp41") + movie


def fragment(number: int, first: int, sizes: NDArray[np.uint32], frames: bytes) -> bytes:
    """One file of the stream.

    Args:
        number: of the fragment, from 0 on.
        first: its first frame's number in the episode.
        sizes: bytes of each frame.
        frames: the frames.
    """

    def movie_fragment(offset: int) -> bytes:
        run = struct.pack(">Ii", len(sizes), offset) + sizes.astype(">u4").tobytes()
        track = box(
            b"traf",
            full_box(b"tfhd", struct.pack(">I", mp4_tracks.AUDIO_TRACK), flags=_BASE_IS_FRAGMENT),
            full_box(b"tfdt", struct.pack(">Q", first * FRAME_SAMPLES), version=1),
            full_box(b"trun", run, flags=_HAS_OFFSET | _HAS_SIZES),
        )
        return box(b"moof", full_box(b"mfhd", struct.pack(">I", number + 1)), track)

    header = 8  # of the box with the data
    return movie_fragment(len(movie_fragment(0)) + header) + box(b"mdat", frames)


def playlist(durations: Sequence[float], *, initialization: str, names: Sequence[str], is_complete: bool) -> str:
    """The playlist of the fragments that there are; lines are only added, until it is complete.

    Args:
        durations: of each fragment, in seconds.
        initialization: address of the file that describes them.
        names: address of each fragment.
        is_complete: nothing more will come.
    """
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{TARGET_SECONDS}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        # Without it, players begin near the end of what is still growing.
        "#EXT-X-START:TIME-OFFSET=0,PRECISE=YES",
        f'#EXT-X-MAP:URI="{initialization}"',
    ]
    for seconds, name in zip(durations, names, strict=True):
        lines += [f"#EXTINF:{seconds:.{_DECIMALS}f},", name]
    if is_complete:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def seconds(frames: int, rate: int) -> float:
    """How long frames last."""
    return frames * FRAME_SAMPLES / rate
