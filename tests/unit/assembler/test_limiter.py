"""The limiter: nothing over the ceiling, nothing lost, and the same result whatever the size of the pieces."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audio.limiter import Limiter
from shared.audio.loudness import Samples
from tests.unit.assembler.material import RATE, SENTENCES, spoken

CEILING_DBTP = -3.0


def limited(samples: Samples, pieces: list[int]) -> Samples:
    limiter = Limiter(RATE, CEILING_DBTP)
    edges = [0, *itertools.accumulate(pieces), len(samples)]
    parts = [limiter.push(samples[a:b]) for a, b in itertools.pairwise(min(edge, len(samples)) for edge in edges)]
    return np.concatenate([*parts, limiter.finish()])


def true_peak_db(samples: Samples) -> float:
    """Measured with a different resampler than the one in use."""
    return float(20 * np.log10(np.abs(soxr.resample(samples, RATE, 8 * RATE, quality="VHQ")).max()))


@pytest.mark.parametrize("gain", [2.0, 4.0, 10.0])
def test_loud_speech_stays_under_the_ceiling_between_the_samples_too(gain: float) -> None:
    samples = spoken(SENTENCES[0]) * np.float32(gain)
    assert true_peak_db(samples) > CEILING_DBTP + 3

    assert true_peak_db(limited(samples, [])) <= CEILING_DBTP + 0.2  # 4-fold oversampling misses up to 0.17 dB


@pytest.mark.parametrize("frequency_hz", [50, 997, 5_999, 11_000])
def test_sines_that_peak_between_the_samples_stay_under_the_ceiling(frequency_hz: int) -> None:
    time = np.arange(RATE) / RATE
    samples = np.sin(2 * np.pi * frequency_hz * time + 0.7).astype(np.float32) * np.hanning(RATE).astype(np.float32)

    assert true_peak_db(limited(samples, [])) <= CEILING_DBTP + 0.2  # 4-fold oversampling misses up to 0.17 dB


def test_quiet_speech_passes_unchanged() -> None:
    samples = spoken(SENTENCES[0]) * np.float32(0.3)

    assert np.array_equal(limited(samples, [1_000] * 20), samples)


def test_a_single_click_bends_only_its_neighbourhood() -> None:
    samples = np.full(RATE, 0.1, dtype=np.float32)
    samples[RATE // 2] = 1.0

    result = limited(samples, [])

    changed = np.flatnonzero(~np.isclose(result, samples, rtol=1e-4))
    assert changed.min() > RATE // 2 - 0.006 * RATE
    assert changed.max() < RATE // 2 + 0.07 * RATE
    assert result[RATE // 2] <= 10 ** (CEILING_DBTP / 20)


@settings(max_examples=40, deadline=None)
@given(
    length=st.integers(0, 4_000),
    pieces=st.lists(st.integers(0, 900), max_size=20),
    seed=st.integers(0, 5),
    level=st.floats(0.01, 5),
)
def test_the_size_of_the_pieces_makes_no_difference(length: int, pieces: list[int], seed: int, level: float) -> None:
    samples = np.random.default_rng(seed).normal(0, level / 3, length).astype(np.float32)

    result = limited(samples, pieces)

    assert len(result) == length
    np.testing.assert_allclose(result, limited(samples, []), rtol=1e-4, atol=1e-6)
