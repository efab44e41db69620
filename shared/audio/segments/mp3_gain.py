"""Changes the level of MP3 frames without encoding them: each granule says by how much its values are scaled.

`global_gain` in the side information (ISO 11172-3, 2.4.1.7) counts in quarters of a power of two, 1.505 dB a step. It
is what mp3gain changes. Our frames have no CRC.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.audio.segments import mp3_frames
from shared.audio.segments.crc16 import crc16
from shared.audio.segments.mp3_side_info import LENGTH_BITS, field, granules
from shared.audio.segments.segment import Head, MasteredSegment
from shared.errors import BadAudio

STEP_DB: Final = 20 * math.log10(2) / 4
_GAIN_AT: Final = 21
"""After the length and `big_values`."""
_GAIN_BITS: Final = 8


def moved(segment: MasteredSegment, steps: int) -> MasteredSegment:
    """The segment, louder by `steps` of `STEP_DB`, or quieter; its frames have the same sizes.

    Raises:
        BadAudio: the field of a frame has no room for that, or a frame is not as it was encoded.
    """
    head = segment.head
    frames = bytearray(segment.payload)
    _move(np.frombuffer(frames, dtype=np.uint8), head, steps)
    payload, gain = bytes(frames), steps * STEP_DB
    changed = replace(
        head,
        sha256=hashlib.sha256(payload).hexdigest(),
        crc=crc16(payload),
        gain_db=head.gain_db + gain,
        energies=head.energies * np.float32(10 ** (gain / 10)),
        true_peak_dbtp=head.true_peak_dbtp + gain,
    )
    return MasteredSegment(changed, payload)


def _move(octets: NDArray[np.uint8], head: Head, steps: int) -> None:
    if not mp3_frames.are_frames(octets.data, head.sizes, head.rate, head.channels):
        raise BadAudio("The frames of an MP3 segment are not those that its head lists.")
    starts = np.concatenate(([0], np.cumsum(head.sizes, dtype=np.int64)[:-1]))
    for at in granules(mp3_frames.version_of(head.rate), head.channels):
        is_empty = field(octets, starts, at, LENGTH_BITS) == 0
        gain = field(octets, starts, at + _GAIN_AT, _GAIN_BITS)
        wanted = np.where(is_empty, gain, gain + steps)
        if wanted.min() < 0 or wanted.max() >= 1 << _GAIN_BITS:
            raise BadAudio(f"The level of an MP3 segment cannot be moved by {steps * STEP_DB:.1f} dB.")
        byte, shift = divmod(at + _GAIN_AT, 8)
        pair = octets[starts + byte].astype(np.int64) << 8 | octets[starts + byte + 1]
        pair ^= (gain ^ wanted) << 8 - shift
        octets[starts + byte], octets[starts + byte + 1] = pair >> 8, pair & 0xFF
