"""MP3 frames take as few bytes as they need, and every decoder hears the same."""

from __future__ import annotations

import io
import subprocess

import numpy as np
import pytest
import soundfile

from shared.audio.segments import lame, mp3_frames
from shared.audio.segments.mp3_packing import packed
from shared.audio.segments.mp3_side_info import FARTHEST_BYTES, begins
from shared.errors import BadAudio
from tests.unit.segments.material import RATES, chunks
from tests.unit.segments.mp3_contents import contents

KINDS = [(rate, channels) for rate in RATES for channels in (1, 2)]


def encoded(rate: int, channels: int, seed: int = 1) -> tuple[bytes, list[int]]:
    """Three chunks as LAME encodes them, loud and soft, with silence before each: frames of all sizes."""
    gap = np.zeros(rate // 2, dtype=np.float32)
    sound = np.concatenate([part for each in chunks(3, rate, seed=seed) for part in (gap, each)])
    stream = lame.encode(sound, rate, channels)
    return stream, mp3_frames.sizes(stream, rate, channels)


def ffmpeg_decoded(stream: bytes) -> bytes:
    arguments = ["ffmpeg", "-v", "warning", "-i", "-", "-f", "f32le", "-"]
    run = subprocess.run(arguments, input=stream, capture_output=True, timeout=60, check=True)
    assert run.stderr == b""
    return run.stdout


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_packed_frames_are_smaller_and_decode_to_the_same_samples(rate: int, channels: int) -> None:
    stream, sizes = encoded(rate, channels)
    smaller = b"".join(packed(stream, sizes, rate, channels))
    assert len(smaller) < 0.96 * len(stream)
    assert contents(smaller, rate, channels) == contents(stream, rate, channels)
    assert ffmpeg_decoded(smaller) == ffmpeg_decoded(stream)
    count = len(sizes) * mp3_frames.frame_samples(rate)
    found, expected = (soundfile.SoundFile(io.BytesIO(each)).read(count, fill_value=0.0) for each in (smaller, stream))
    assert np.array_equal(found, expected), "and so does mpg123"


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_nothing_but_what_the_format_needs_is_left_empty(rate: int, channels: int) -> None:
    stream, sizes = encoded(rate, channels)
    frames = packed(stream, sizes, rate, channels)
    needed = sum(len(said) + len(data) + 1.125 for said, data in contents(stream, rate, channels))
    smallest, *_, largest = mp3_frames.sizes_without_padding(rate)
    is_smallest = sum(len(frame) == smallest for frame in frames)
    assert sum(map(len, frames)) <= needed + is_smallest * smallest + largest
    assert {len(frame) for frame in frames} <= set(mp3_frames.sizes_without_padding(rate))


@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_data_begins_no_farther_back_than_the_format_allows_and_at_first_in_its_own_frame(
    rate: int, channels: int
) -> None:
    stream, sizes = encoded(rate, channels)
    frames = packed(stream, sizes, rate, channels)
    edges = np.cumsum([0, *map(len, frames)])
    octets, version = np.frombuffer(b"".join(frames), dtype=np.uint8), mp3_frames.version_of(rate)
    found = begins(octets, edges[:-1], version)
    assert found[0] == 0
    assert 0 < found.max() <= FARTHEST_BYTES[version]


@pytest.mark.parametrize("rate", RATES)
def test_silence_fills_the_reservoir_and_loud_noise_uses_it_up(rate: int) -> None:
    """As far as a frame can reach back, and no farther, though silence leaves more."""
    noise = np.random.default_rng(1).uniform(-0.9, 0.9, rate).astype(np.float32)
    stream = lame.encode(np.concatenate((np.zeros(2 * rate, np.float32), noise)), rate, 1)
    sizes = mp3_frames.sizes(stream, rate, 1)
    smaller = b"".join(packed(stream, sizes, rate, 1))
    octets, version = np.frombuffer(smaller, dtype=np.uint8), mp3_frames.version_of(rate)
    found = begins(octets, np.cumsum([0, *mp3_frames.sizes(smaller, rate, 1)])[:-1], version)
    assert found.max() == FARTHEST_BYTES[version]
    assert ffmpeg_decoded(smaller) == ffmpeg_decoded(stream)


def test_frames_that_are_packed_or_damaged_are_refused() -> None:
    stream, sizes = encoded(24_000, 1)
    frames = packed(stream, sizes, 24_000, 1)
    with pytest.raises(BadAudio):
        packed(b"".join(frames), [len(frame) for frame in frames], 24_000, 1)
    damaged = bytearray(stream)
    damaged[5:7] = b"\x7f\xff"  # the length of the first granule
    with pytest.raises(BadAudio):
        packed(bytes(damaged), sizes, 24_000, 1)
