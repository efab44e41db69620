"""Packs MP3 frames closer without changing what is decoded: what a frame leaves free, the next one uses.

A frame comes in fourteen sizes. Without a bit reservoir LAME takes the smallest that has room, which leaves 7 to 10 %
of a file empty. Here the data of a frame begins where that of the frame before ended (`main_data_begin`, the bit
reservoir of ISO 11172-3, 2.4.2.7), as mp3packer does it. The reservoir is a segment's own: it begins empty, and nothing
behind the segment uses what is left, so segments and silence can follow one another as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from shared.audio.segments import mp3_frames
from shared.audio.segments.mp3_frames import HEADER_BYTES
from shared.audio.segments.mp3_side_info import FARTHEST_BYTES, SIDE_BYTES, begin_bits, begins, data_bits
from shared.errors import BadAudio

_KEPT_OF_THIRD_BYTE: Final = 0b0000_1101
"""Of a header, all but the bit rate and the padding."""

_OVERREAD_BITS: Final = 9
"""ffmpeg decodes the last four of 576 values even if some of their bits, at most so many, lie behind what the frame
says is its data, which happens with LAME. (libmad and mpg123 drop the four.) So these bits are kept as they were.
"""


def packed(data: bytes, sizes: Sequence[int], rate: int, channels: int) -> list[bytes]:
    """The same frames in as few bytes as they need.

    Args:
        data: frames that do not use the bit reservoir.
        sizes: of them.
        rate: Hz.
        channels: 1 or 2.

    Raises:
        BadAudio: a frame uses the reservoir, or says that it has more data than it has room for.
    """
    version = mp3_frames.version_of(rate)
    before = HEADER_BYTES + SIDE_BYTES[version, channels]
    octets, starts = np.frombuffer(data, dtype=np.uint8), np.cumsum([0, *sizes[:-1]])
    bits, given = data_bits(octets, starts, version, channels), np.asarray(sizes) - before
    if begins(octets, starts, version).any() or (bits > 8 * given).any():
        raise BadAudio("An MP3 frame is not as it was encoded.")
    lengths = np.minimum((bits + _OVERREAD_BITS + 7) // 8, given)
    rooms = [size - before for size in mp3_frames.sizes_without_padding(rate)]
    fits = _fits(lengths.tolist(), rooms, FARTHEST_BYTES[version])
    edges = np.cumsum([0, *(rooms[index] for index, _ in fits)]).tolist()
    contents = bytearray(edges[-1])
    for start, length, edge, (_, begin) in zip(starts.tolist(), lengths.tolist(), edges[:-1], fits, strict=True):
        contents[edge - begin : edge - begin + length] = data[start + before :][:length]
    frames = []
    shift = 16 - begin_bits(version)
    for start, (first, end), (index, begin) in zip(starts.tolist(), pairwise(edges), fits, strict=True):
        head = bytearray(data[start : start + before])
        head[2] = head[2] & _KEPT_OF_THIRD_BYTE | index + 1 << 4
        said = int.from_bytes(head[HEADER_BYTES : HEADER_BYTES + 2]) | begin << shift
        head[HEADER_BYTES : HEADER_BYTES + 2] = said.to_bytes(2)
        frames.append(bytes(head + contents[first:end]))
    return frames


def _fits(lengths: Sequence[int], rooms: Sequence[int], farthest: int) -> list[tuple[int, int]]:
    """For each frame the smallest room that is enough, as an index, and how many bytes before it its data begins.

    Args:
        lengths: bytes of data of each frame.
        rooms: that a frame can have, in bytes, from the smallest.
        farthest: how far before a frame its data may begin.
    """
    found, free = [], 0  # bytes that the frames so far have left
    for length in lengths:
        begin = min(free, farthest)
        index = next(index for index, room in enumerate(rooms) if begin + room >= length)
        found.append((index, begin))
        free = begin + rooms[index] - length
    return found
