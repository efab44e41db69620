"""The CRC of MP3's Info frame, of parts."""

from __future__ import annotations

import numpy as np
import pytest

from shared.audio.segments.crc16 import combined, crc16, repeated


def bit_by_bit(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


DATA = np.random.default_rng(0).integers(0, 256, 5_000, dtype=np.uint8).tobytes()


def test_it_is_the_one_of_the_standard() -> None:
    assert crc16(b"123456789") == 0xBB3D  # CRC-16/ARC


@pytest.mark.parametrize("length", [0, 1, 2, 1_023, 1_024, 1_025, 5_000])
def test_it_is_what_bits_give(length: int) -> None:
    assert crc16(DATA[:length]) == bit_by_bit(DATA[:length])


@pytest.mark.parametrize("at", [0, 1, 1_234, 5_000])
def test_parts_are_combined(at: int) -> None:
    assert combined(crc16(DATA[:at]), crc16(DATA[at:]), len(DATA) - at) == crc16(DATA)


@pytest.mark.parametrize("count", [0, 1, 2, 13, 64])
def test_a_part_is_repeated(count: int) -> None:
    assert repeated(crc16(DATA[:77]), 77, count) == crc16(DATA[:77] * count)
