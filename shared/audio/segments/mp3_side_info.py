"""The side information of MP3 frames, which comes behind a header (ISO 11172-3, 2.4.1.7; 13818-3 for half the rates).

Our frames have no CRC, so it begins at their fifth byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.audio.segments import mp3_frames

_MPEG_1: Final = 3
SIDE_BYTES: Final = {(3, 1): 17, (3, 2): 32, (2, 1): 9, (2, 2): 17}
"""Its size by MPEG version and channels."""
FARTHEST_BYTES: Final = {3: 511, 2: 255}
"""By MPEG version: how far before the frame its data may begin, which is what the first field says."""
LENGTH_BITS: Final = 12
"""`part2_3_length`, the first field of each granule's channel: how many bits of data it has."""
_START: Final = 8 * mp3_frames.HEADER_BYTES
_BEFORE_GRANULES: Final = {(3, 1): 18, (3, 2): 20, (2, 1): 9, (2, 2): 10}
"""By MPEG version and channels: bits before the first granule's first channel."""
_GRANULE_BITS: Final = {3: 59, 2: 63}
"""By MPEG version: bits for each channel of a granule; MPEG-1 has two granules in a frame, MPEG-2 has one."""


def granules(version: int, channels: int) -> Iterator[int]:
    """Where in a frame each channel of each granule is described, in bits."""
    before, width = _BEFORE_GRANULES[version, channels], _GRANULE_BITS[version]
    for number in range(channels * (2 if version == _MPEG_1 else 1)):
        yield _START + before + number * width


def field(octets: NDArray[np.uint8], starts: NDArray[np.int64], at: int, bits: int) -> NDArray[np.int64]:
    """A number of at most 16 bits in each of the frames that begin at `starts`, from its bit `at`."""
    byte, shift = divmod(at, 8)
    word = sum(octets[starts + byte + place].astype(np.int64) << 16 - 8 * place for place in range(3))
    return np.asarray(word >> 24 - shift - bits & (1 << bits) - 1)


def data_bits(octets: NDArray[np.uint8], starts: NDArray[np.int64], version: int, channels: int) -> NDArray[np.int64]:
    """How much data each of the frames has."""
    lengths = [field(octets, starts, at, LENGTH_BITS) for at in granules(version, channels)]
    return np.asarray(np.sum(lengths, axis=0), dtype=np.int64)


def begin_bits(version: int) -> int:
    """The length of the first field: how many bytes before the frame its data begins."""
    return FARTHEST_BYTES[version].bit_length()


def begins(octets: NDArray[np.uint8], starts: NDArray[np.int64], version: int) -> NDArray[np.int64]:
    """How many bytes before its own place each frame's data begins."""
    return field(octets, starts, _START, begin_bits(version))
