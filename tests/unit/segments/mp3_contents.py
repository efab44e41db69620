"""What MP3 frames say and hold, wherever in the file their data is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from shared.audio.segments import mp3_frames
from shared.audio.segments.mp3_side_info import SIDE_BYTES, begin_bits, begins, data_bits

_BIT_RATE_AND_PADDING = 0b1111_0010


def contents(stream: bytes, rate: int, channels: int) -> list[tuple[bytes, bytes]]:
    """Of each frame: header and side information, without what says where its data is; and its data."""
    version = mp3_frames.version_of(rate)
    before = mp3_frames.HEADER_BYTES + SIDE_BYTES[version, channels]
    edges = np.cumsum([0, *mp3_frames.sizes(stream, rate, channels)])
    octets, starts = np.frombuffer(stream, dtype=np.uint8), edges[:-1]
    main, found = b"", []
    offsets = begins(octets, starts, version).tolist()
    lengths = ((data_bits(octets, starts, version, channels) + 7) // 8).tolist()
    for (start, end), begin, length in zip(pairwise(edges.tolist()), offsets, lengths, strict=True):
        at = len(main) - begin
        assert at >= 0, "data from before the first frame"
        main += stream[start + before : end]
        data = main[at : at + length]
        assert len(data) == length, "data from behind the frame"
        said = bytearray(stream[start : start + before])
        said[2] &= ~_BIT_RATE_AND_PADDING
        side = int.from_bytes(said[4:6]) & (1 << 16 - begin_bits(version)) - 1
        found.append((bytes(said[:4]) + side.to_bytes(2) + bytes(said[6:]), data))
    return found
