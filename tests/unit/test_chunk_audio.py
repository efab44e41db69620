"""A stored chunk: audio and measurement in one object."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audio import chunk_audio
from shared.audio.loudness import Samples, block_energies, integrated_loudness
from shared.audio.pcm import FULL_SCALE
from shared.errors import BadAudio

RATE = 24_000


def speechlike(seconds: float, *, level: float = 0.2, seed: int = 1) -> Samples:
    """Noise with a slow envelope: loud and soft stretches, as in speech."""
    count = round(seconds * RATE)
    noise = np.random.default_rng(seed).normal(0, level / 3, count)
    envelope = 0.5 + 0.5 * np.sin(np.arange(count) * 2 * np.pi * 3 / RATE)
    return np.clip(noise * envelope, -1, 1).astype(np.float32)


def test_a_chunk_comes_back_as_it_was_stored_within_half_a_16_bit_step() -> None:
    samples = speechlike(1.0)

    decoded, rate = chunk_audio.decode(chunk_audio.encode(samples, RATE))

    assert rate == RATE
    assert decoded.dtype == np.float32
    assert np.abs(decoded - samples).max() <= 0.5 / FULL_SCALE + 1e-7


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 12_000))
def test_a_chunk_is_padded_with_silence_to_whole_blocks(count: int) -> None:
    samples = np.full(count, 0.25, dtype=np.float32)

    decoded, _ = chunk_audio.decode(chunk_audio.encode(samples, RATE))

    assert len(decoded) % 2_400 == 0
    assert len(decoded) - count < 2_400
    assert not decoded[count:].any()


def test_the_measurement_is_of_the_stored_samples() -> None:
    stored = chunk_audio.encode(speechlike(2.34), RATE)

    measurement = chunk_audio.read_measurement(stored)
    decoded, _ = chunk_audio.decode(stored)

    assert measurement.frames == len(decoded) == 2.4 * RATE
    assert measurement.seconds == pytest.approx(2.4)
    assert measurement.energies == pytest.approx(block_energies(decoded, RATE), rel=1e-4)
    assert measurement.loudness_lufs == pytest.approx(integrated_loudness(block_energies(decoded, RATE)), abs=0.001)
    assert measurement.true_peak_dbtp >= 20 * np.log10(np.abs(decoded).max()) - 0.001


def test_the_measurement_of_five_minutes_is_within_the_header_bytes() -> None:
    stored = chunk_audio.encode(speechlike(5 * 60), RATE)

    head = chunk_audio.read_measurement(stored[: chunk_audio.HEADER_BYTES])

    assert head == chunk_audio.read_measurement(stored)
    assert len(stored) > 2 * chunk_audio.HEADER_BYTES


def test_full_scale_is_clipped_and_not_wrapped_round() -> None:
    decoded, _ = chunk_audio.decode(chunk_audio.encode(np.array([1.0, -1.0, 1.7, -1.7] * 600, dtype=np.float32), RATE))

    assert decoded[0] == decoded[2] == pytest.approx(1.0, abs=1e-4)
    assert decoded[1] == decoded[3] == -1.0


def test_digital_silence_has_finite_figures() -> None:
    measurement = chunk_audio.read_measurement(chunk_audio.encode(np.zeros(2_400, dtype=np.float32), RATE))

    assert (measurement.loudness_lufs, measurement.true_peak_dbtp) == (-70.0, -120.0)


@pytest.mark.parametrize("cut", [0, 1, 40, 500, 5_000], ids="{} bytes left".format)
def test_a_cut_object_is_named_as_damaged(cut: int) -> None:
    with pytest.raises(BadAudio, match="damaged"):
        chunk_audio.decode(chunk_audio.encode(speechlike(1.0), RATE)[:cut])


@settings(max_examples=40, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_without_effect(place: float, bit: int) -> None:
    """FLAC's own header fields (minimum frame size, digest, …) may change without changing the audio."""
    stored = chunk_audio.encode(speechlike(0.3), RATE)
    intact, _ = chunk_audio.decode(stored)
    damaged = bytearray(stored)
    damaged[int(place * len(damaged))] ^= 1 << bit

    try:
        decoded, _ = chunk_audio.decode(bytes(damaged))
    except BadAudio:
        return
    assert np.array_equal(decoded, intact)


def test_a_flac_file_that_is_not_ours_is_refused() -> None:
    stranger = io.BytesIO()
    soundfile.write(stranger, speechlike(0.5), RATE, format="FLAC")

    with pytest.raises(BadAudio, match="header"):
        chunk_audio.read_measurement(stranger.getvalue())


def test_nothing_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="no audio"):
        chunk_audio.encode(np.zeros(0, dtype=np.float32), RATE)
