"""Loudness and true peak, compared with ffmpeg's ebur128 and the standard's own test signals."""

from __future__ import annotations

import math
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.audio.loudness import (
    WINDOW_BLOCKS,
    WINDOWS_AT_A_TIME,
    LoudnessMeter,
    Samples,
    TruePeakMeter,
    _sections,
    block_energies,
    decibels,
    integrated_loudness,
    true_peak,
)

RATES = (16_000, 22_050, 24_000, 44_100, 48_000)


def sine(frequency: float, rate: int, *, seconds: float = 20.0, dbfs: float = 0.0, phase: float = 0.0) -> Samples:
    turns = np.arange(round(seconds * rate)) * frequency / rate
    return (10 ** (dbfs / 20) * np.sin(2 * np.pi * turns + phase)).astype(np.float32)


def bursts(rate: int, *, seed: int, seconds: float = 10.0) -> Samples:
    """Noise whose level jumps within a range of 40 dB, so that both gates take effect."""
    random = np.random.default_rng(seed)
    pieces = []
    while sum(map(len, pieces)) < seconds * rate:
        pieces.append(random.normal(0, 10 ** random.uniform(-3.2, -1.0), int(random.uniform(0.05, 1.5) * rate)))
    return np.clip(np.concatenate(pieces), -1, 1).astype(np.float32)


def test_at_48_khz_the_filter_has_the_coefficients_printed_in_the_standard() -> None:
    shelf, high_pass = _sections(48_000)

    assert shelf == pytest.approx(
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585], abs=1e-8
    )
    assert high_pass == pytest.approx([1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621], abs=1e-8)


def test_the_loudness_of_hours_is_that_of_all_their_windows() -> None:
    energies = np.random.default_rng(1).exponential(0.01, 3 * WINDOWS_AT_A_TIME + 17).astype(np.float32)
    energies[1_000:20_000] *= 1e-9
    windows = np.convolve(energies.astype(np.float64), np.full(WINDOW_BLOCKS, 1 / WINDOW_BLOCKS), "valid")
    loud = windows[windows > 10 ** ((-70 + 0.691) / 10)]
    loud = loud[loud > loud.mean() / 10]
    assert integrated_loudness(energies) == pytest.approx(-0.691 + 10 * math.log10(loud.mean()), abs=1e-9)


@pytest.mark.parametrize("rate", RATES)
def test_it_is_the_recursive_filter_of_the_standard(rate: int) -> None:
    samples = bursts(rate, seed=7, seconds=1.0)[: rate + rate // 20]
    weighted = np.zeros(math.ceil(len(samples) / (rate // 10)) * (rate // 10))
    weighted[: len(samples)] = samples
    for b0, b1, b2, _, a1, a2 in _sections(rate).tolist():
        before, x1, x2, y1, y2 = weighted.tolist(), 0.0, 0.0, 0.0, 0.0
        for place, x in enumerate(before):
            y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, y, y1
            weighted[place] = y

    expected = np.square(weighted.reshape(-1, rate // 10)).mean(axis=1)

    assert block_energies(samples, rate) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("rate", RATES)
def test_a_997_hz_sine_reads_3_01_below_its_level(rate: int) -> None:
    assert integrated_loudness(block_energies(sine(997, rate, dbfs=-20), rate)) == pytest.approx(-23.01, abs=0.05)


def test_two_channels_with_one_signal_are_3_lu_louder() -> None:
    energies = block_energies(sine(997, 24_000, dbfs=-20), 24_000)

    assert integrated_loudness(energies, channels=2) - integrated_loudness(energies) == pytest.approx(3.01, abs=0.01)


def test_silence_and_what_is_below_the_absolute_gate_have_no_loudness() -> None:
    assert integrated_loudness(np.zeros(0)) == -math.inf
    assert integrated_loudness(np.zeros(100)) == -math.inf
    assert integrated_loudness(block_energies(sine(997, 24_000, dbfs=-75), 24_000)) == -math.inf


def test_what_is_below_the_absolute_gate_counts_for_nothing_in_soft_sound_either() -> None:
    soft, below = (10 ** ((lufs + 0.691) / 10) for lufs in (-65.0, -72.0))
    assert integrated_loudness(np.repeat([soft, below], 100)) == pytest.approx(-65.0, abs=0.1)


def test_pauses_do_not_lower_the_loudness() -> None:
    tone = sine(997, 24_000, dbfs=-20)
    with_pauses = np.concatenate([tone, np.zeros(10 * 24_000, dtype=np.float32), tone])

    assert integrated_loudness(block_energies(with_pauses, 24_000)) == pytest.approx(-23.01, abs=0.1)


def test_a_word_shorter_than_a_window_has_a_loudness() -> None:
    assert integrated_loudness(block_energies(sine(997, 24_000, seconds=0.3, dbfs=-20), 24_000)) == pytest.approx(
        -23.01, abs=0.3
    )


@pytest.mark.parametrize("rate", RATES)
def test_it_reads_as_ffmpeg_reads(rate: int, tmp_path: Path) -> None:
    samples = bursts(rate, seed=rate)
    soundfile.write(tmp_path / "in.wav", samples, rate, subtype="FLOAT")

    command = ["ffmpeg", "-nostats", "-i", tmp_path / "in.wav", "-af", "ebur128=peak=true", "-f", "null", "-"]
    report = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
    loudness = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", report)[-1])
    peak = float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", report)[-1])

    assert integrated_loudness(block_energies(samples, rate)) == pytest.approx(loudness, abs=0.11)
    assert -0.4 <= decibels(true_peak(samples, rate)) - peak <= 0.2  # the tolerance of EBU Tech 3341


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 48_000), max_size=12), seed=st.integers(0, 5))
@example(cuts=[10_477], seed=0)  # a cut next to the highest peak
def test_pieces_of_any_size_measure_as_the_whole(cuts: list[int], seed: int) -> None:
    samples = bursts(24_000, seed=seed, seconds=2.0)[:48_000]
    loudness, peak = LoudnessMeter(24_000), TruePeakMeter(24_000)

    for piece in np.split(samples, sorted(cuts)):
        loudness.push(piece)
        peak.push(piece)

    assert loudness.energies == pytest.approx(block_energies(samples, 24_000), rel=1e-9)
    assert peak.finish() == pytest.approx(true_peak(samples, 24_000), rel=1e-6)


def test_the_energies_of_chunks_on_the_grid_give_the_loudness_of_the_whole() -> None:
    """FACTS: the mean of the chunks' loudnesses was 0.28 LU off."""
    rate = 24_000
    chunks = []
    for seed, level in enumerate((0.05, 0.2, 0.6)):
        chunk = bursts(rate, seed=seed, seconds=3.0)[: 3 * rate] * np.float32(level)
        chunk[-2_400:] = 0
        chunks.append(chunk)

    together = integrated_loudness(np.concatenate([block_energies(chunk, rate) for chunk in chunks]))

    assert together == pytest.approx(integrated_loudness(block_energies(np.concatenate(chunks), rate)), abs=0.005)


@pytest.mark.parametrize("rate", RATES)
def test_a_peak_between_the_samples_is_found(rate: int) -> None:
    """A sine of a quarter of the rate, sampled at 45 degrees: every sample is 3 dB below the crest."""
    samples = sine(rate / 4, rate, seconds=1.0, dbfs=-6.0, phase=math.pi / 4)

    assert decibels(float(np.abs(samples).max())) == pytest.approx(-9.01, abs=0.01)
    assert decibels(true_peak(samples, rate)) == pytest.approx(-6.0, abs=0.15)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), seconds=st.floats(0.001, 0.5))
def test_skipping_what_cannot_hold_the_peak_changes_nothing(seed: int, seconds: float) -> None:
    samples = bursts(24_000, seed=seed, seconds=seconds)
    taps = np.sinc((np.arange(97) - 48) / 8) * np.hanning(97)
    stuffed = np.zeros(8 * len(samples))
    stuffed[::8] = samples

    everything = np.abs(np.convolve(stuffed, taps)).max()

    assert true_peak(samples, 24_000) == pytest.approx(everything, rel=1e-5)


def test_a_rate_without_a_whole_block_is_refused() -> None:
    with pytest.raises(ValueError, match="22051"):
        block_energies(np.zeros(10, dtype=np.float32), 22_051)
