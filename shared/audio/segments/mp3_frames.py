"""MP3 frames: what a header says, and the walk from one to the next (ISO 11172-3 and 13818-3, layer III)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.errors import BadAudio

HEADER_BYTES: Final = 4
_MPEG_1: Final = 3
_MPEG_2: Final = 2
_LAYER_3: Final = 1
_RATES: Final = {_MPEG_1: (44_100, 48_000, 32_000), _MPEG_2: (22_050, 24_000, 16_000)}
_KILOBITS: Final = {
    _MPEG_1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    _MPEG_2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_BYTES_A_KILOBIT: Final = {_MPEG_1: 144_000, _MPEG_2: 72_000}
"""Times kilobits a second, divided by the sample rate: bytes of a frame."""


def version_of(rate: int) -> int:
    """The MPEG version that has this sample rate, as in a header."""
    return _MPEG_1 if rate in _RATES[_MPEG_1] else _MPEG_2


def frame_samples(rate: int) -> int:
    """Samples in a frame: two granules in MPEG-1, one in MPEG-2."""
    return 1_152 if version_of(rate) == _MPEG_1 else 576


def header(rate: int, channels: int, kilobits: int) -> bytes:
    """The header of a frame without CRC and padding."""
    version = version_of(rate)
    second = 0xE0 | version << 3 | _LAYER_3 << 1 | 1
    third = _KILOBITS[version].index(kilobits) << 4 | _RATES[version].index(rate) << 2
    return bytes((0xFF, second, third, 0xC4 if channels == 1 else 0x44))


def frame_bytes(rate: int, kilobits: int) -> int:
    """The size of a frame without padding."""
    version = version_of(rate)
    return _BYTES_A_KILOBIT[version] * kilobits // rate


def sizes_without_padding(rate: int) -> list[int]:
    """The sizes that a frame can have, from the smallest; the index of each is one less than that of its bit rate."""
    return [frame_bytes(rate, kilobits) for kilobits in _KILOBITS[version_of(rate)][1:]]


def size_at(data: bytes | memoryview, at: int, rate: int, channels: int) -> int:
    """The size of the frame that begins at `at`.

    Raises:
        BadAudio: there is none, or it is of another rate or number of channels.
    """
    if at + HEADER_BYTES > len(data):
        raise _no_frame(at)
    version = data[at + 1] >> 3 & 3
    index, rate_index = data[at + 2] >> 4, data[at + 2] >> 2 & 3
    is_frame = data[at] == 0xFF and data[at + 1] & 0xE6 == 0xE2 and version in _RATES  # noqa: PLR2004 - the sync word
    if not is_frame or rate_index == 3 or not 0 < index < 15:  # noqa: PLR2004 - reserved
        raise _no_frame(at)
    if _RATES[version][rate_index] != rate or (1 if data[at + 3] >> 6 == 3 else 2) != channels:  # noqa: PLR2004 - mono
        raise BadAudio(f"The MP3 frame at byte {at:,} is not of {rate} Hz with {channels} channels.")
    return _BYTES_A_KILOBIT[version] * _KILOBITS[version][index] // rate + (data[at + 2] >> 1 & 1)


def sizes(data: bytes | memoryview, rate: int, channels: int) -> list[int]:
    """The sizes of the frames that `data` consists of.

    Raises:
        BadAudio: something else is in it, or the last frame is incomplete.
    """
    found, at = [], 0
    while at < len(data):
        size = size_at(data, at, rate, channels)
        found.append(size)
        at += size
    if at != len(data):
        raise BadAudio(f"The last MP3 frame is cut off after {len(data):,} bytes.")
    return found


def are_frames(data: bytes | memoryview, sizes: NDArray[np.unsignedinteger], rate: int, channels: int) -> bool:
    """Whether `data` consists of frames of exactly these sizes: the same walk as `sizes`, ten times as fast."""
    edges = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
    if edges[-1] != len(data) or int(sizes.min(initial=HEADER_BYTES)) < HEADER_BYTES:
        return False
    octets = np.frombuffer(data, dtype=np.uint8)
    first, second, third, fourth = (octets[edges[:-1] + at] for at in range(HEADER_BYTES))
    version = version_of(rate)
    index = third >> 4
    is_mono = channels == 1
    right = (first == 0xFF) & (second & 0xFE == 0xE2 | version << 3) & (index > 0) & (index < 15)  # noqa: PLR2004 - reserved
    right &= (third >> 2 & 3 == _RATES[version].index(rate)) & ((fourth >> 6 == 3) == is_mono)  # noqa: PLR2004 - mono
    kilobits = np.array((*_KILOBITS[version], 0), dtype=np.int64)
    expected = _BYTES_A_KILOBIT[version] * kilobits[index] // rate + (third >> 1 & 1)
    return bool(np.all(right & (expected == sizes)))


def _no_frame(at: int) -> BadAudio:
    return BadAudio(f"There is no MP3 frame at byte {at:,}.")
