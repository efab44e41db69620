"""The stored form of a segment."""

from __future__ import annotations

import numpy as np
import pytest

from shared.audio.segments import segment
from shared.errors import BadAudio
from tests.unit.segments.material import chunks, mp3, segments

RATE = 24_000


@pytest.fixture(scope="module")
def stored() -> bytes:
    return segments(chunks(1, RATE), RATE, mp3())[0].to_bytes()


def test_what_is_stored_is_read_back(stored: bytes) -> None:
    made = segments(chunks(1, RATE), RATE, mp3())[0]
    found = segment.parse(stored)
    assert found.payload == made.payload
    for name in ("format", "encoder", "rate", "channels", "samples", "frames", "before", "after", "sha256", "crc"):
        assert getattr(found.head, name) == getattr(made.head, name), name
    assert np.array_equal(found.head.sizes, made.head.sizes)
    assert np.allclose(found.head.energies, made.head.energies, rtol=1e-6)


def test_the_head_is_read_from_the_first_bytes(stored: bytes) -> None:
    length = segment.head_length(stored[:64])
    assert segment.parse_head(stored[:length]).payload_bytes == len(stored) - length


def test_frames_of_any_size_are_listed() -> None:
    made = segments(chunks(1, RATE), RATE, mp3())[0]
    head = made.head
    sizes = head.sizes.copy()
    sizes[0] = 70_000
    large = segment.MasteredSegment(
        segment.Head(**{name: getattr(head, name) for name in segment.Head.__slots__ if name != "sizes"}, sizes=sizes),
        made.payload,
    )
    assert np.array_equal(segment.parse_head(large.to_bytes()).sizes, sizes)


@pytest.mark.parametrize("length", [0, 5, 16, 100, 1_000])
def test_one_that_is_cut_off_is_named(stored: bytes, length: int) -> None:
    with pytest.raises(BadAudio, match="segment is damaged"):
        segment.parse(stored[:length])


def test_a_byte_that_has_changed_anywhere_is_found(stored: bytes) -> None:
    for at in [*range(0, 900, 7), *range(900, len(stored), 997), len(stored) - 1]:
        changed = bytearray(stored)
        changed[at] ^= 0x10
        with pytest.raises(BadAudio, match="segment is damaged"):
            segment.parse(bytes(changed))


def test_other_objects_are_no_segments() -> None:
    for other in (b"fLaC" + bytes(100), b"PESEG\0\x01\n" + b"\xff" * 8, bytes(64)):
        with pytest.raises(BadAudio):
            segment.parse(other)
