"""The files of an HLS stream: fragments of MP4 with AAC, and the one that describes them. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.audio.joining import mp4_boxes, mp4_tracks
from shared.audio.joining.hls import Cut, HlsPlan
from shared.audio.joining.mp4 import SILENCE, check_frames
from shared.audio.joining.mp4_boxes import box, full_box
from shared.audio.segments.aac_frames import FRAME_SAMPLES
from shared.audio.segments.segment import MasteredSegment
from shared.errors import BadAudio

CONTENT_TYPE: Final = "audio/mp4"
_LARGEST_FRAME_BYTES: Final = 768
"""6,144 bits a channel are the most that AAC allows."""
_EXPECTED_BITS_A_SECOND: Final = 70_000
_BASE_IS_FRAGMENT: Final = 0x020000
_HAS_OFFSET, _HAS_SIZES = 0x01, 0x0200
_DEPENDS_ON_NONE: Final = 0x02000000


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


def fragment(plan: HlsPlan, cut: Cut, segments: Sequence[MasteredSegment], channels: int) -> bytes:
    """One file of the stream.

    Args:
        plan: of the episode.
        cut: of the fragment.
        segments: of the chunks that `cut` names, in order; their SHA-256 was checked.
        channels: 1 or 2.

    Raises:
        BadAudio: a segment is not as planned, or its frames are not as its head says.
    """
    silence = SILENCE[channels]
    sizes = np.full(cut.frames, len(silence), dtype=np.uint32)
    frames = [silence] * cut.frames
    for chunk, segment in enumerate(segments, start=cut.chunks[0]):
        placed = plan.placed(chunk, segment.head)
        if segment.head.channels != channels:
            raise BadAudio(f"The AAC segment of chunk {chunk} has {segment.head.channels} channels.")
        check_frames(placed, segment.payload)
        edges = np.concatenate(([0], np.cumsum(segment.head.sizes, dtype=np.int64))).tolist()
        for frame in range(max(placed.begins, cut.first), min(placed.ends, cut.first + cut.frames)):
            at = frame - placed.begins
            frames[frame - cut.first] = segment.payload[edges[at] : edges[at + 1]]
            sizes[frame - cut.first] = segment.head.sizes[at]
    return packed(cut.number, cut.first, sizes, b"".join(frames))


def packed(number: int, first: int, sizes: NDArray[np.uint32], frames: bytes) -> bytes:
    """Frames as a file of the stream.

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
