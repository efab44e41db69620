"""Resampling, trimming and fading of a chunk."""

from __future__ import annotations

import numpy as np
import pytest

from services.synthesizer.audio import KEEP_AFTER_MS, KEEP_BEFORE_MS, TRIM_STEP_MS, process
from services.synthesizer.audio_validation import decode
from shared.audio.loudness import Samples
from tests.unit.synthesizer.sounds import TEXT, heard, silence, speech, tones

RATE = 24_000


def tone(frequency: float, seconds: float, *, level: float = 0.5, rate: int = RATE) -> Samples:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.square(samples).mean() + 1e-20))


@pytest.mark.parametrize("edge_ms", [0, 20, 300, 2_000])
def test_edge_silence_is_trimmed_to_a_margin(edge_ms: int) -> None:
    edge = silence(edge_ms / 1_000)

    processed = process(np.concatenate([edge, tone(440, 1.0), edge]), RATE, target_rate=RATE)

    kept = min(edge_ms, KEEP_BEFORE_MS) + min(edge_ms, KEEP_AFTER_MS)
    assert len(processed) / RATE * 1_000 == pytest.approx(1_000 + kept, abs=2 * TRIM_STEP_MS)


def test_silence_inside_is_left_alone() -> None:
    processed = process(np.concatenate([tone(440, 0.5), silence(1.0), tone(440, 0.5)]), RATE, target_rate=RATE)

    assert len(processed) == pytest.approx(2.0 * RATE, abs=10 * RATE / 1_000)


def test_a_soft_onset_is_kept() -> None:
    """An f or an h, 40 dB below the vowel that follows it, preceded by room noise 70 dB below."""
    random = np.random.default_rng(3)
    room = (1e-4 * random.normal(0, 1, RATE)).astype(np.float32)
    fricative = (3e-3 * random.normal(0, 1, RATE // 8)).astype(np.float32)

    processed = process(np.concatenate([room, fricative, tone(200, 1.0), room]), RATE, target_rate=RATE)

    assert len(processed) / RATE == pytest.approx(1.125 + (KEEP_BEFORE_MS + KEEP_AFTER_MS) / 1_000, abs=0.011)


def test_trimming_follows_the_voices_own_level() -> None:
    quiet = np.concatenate([silence(0.5), tone(300, 1.0, level=0.01), silence(0.5)])

    loud_length = len(process(quiet * np.float32(50), RATE, target_rate=RATE))

    assert len(process(quiet, RATE, target_rate=RATE)) == loud_length


def test_both_edges_end_in_silence() -> None:
    processed = process(tone(440, 1.0), RATE, target_rate=RATE)

    assert abs(processed[0]) < 1e-3
    assert abs(processed[-1]) < 2e-2
    assert level_db(processed[: RATE // 1_000]) < level_db(processed) - 15


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_pitch_length_and_level(rate: int) -> None:
    processed = process(tone(1_000, 2.0, rate=rate), rate, target_rate=RATE)

    middle = processed[RATE // 4 : RATE // 4 + RATE]
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 1_000
    assert len(processed) == pytest.approx(2 * RATE, abs=RATE / 200)
    assert level_db(middle) == pytest.approx(level_db(tone(1_000, 1.0)), abs=0.1)


def test_resampling_filters_what_the_new_rate_cannot_hold() -> None:
    """pydub's own resampling would alias 15 kHz to 9 kHz."""
    processed = process(tone(1_000, 1.0, rate=48_000) + tone(15_000, 1.0, rate=48_000), 48_000, target_rate=RATE)

    spectrum = np.abs(np.fft.rfft(processed[2_400:-2_400][: RATE // 2]))
    assert spectrum[9_000 // 2 - 5 : 9_000 // 2 + 5].max() < spectrum.max() / 1_000


def test_what_is_over_full_scale_is_scaled_down_not_clipped() -> None:
    processed = process(tone(440, 1.0, level=1.8), RATE, target_rate=RATE)

    assert np.abs(processed).max() <= 1.0
    assert np.mean(np.abs(processed) > 0.999) < 0.05


def test_silence_stays_silence() -> None:
    assert not process(silence(0.3), RATE, target_rate=RATE).any()
    assert len(process(silence(0), RATE, target_rate=RATE)) == 1


def test_real_speech_keeps_its_words() -> None:
    """Only the edges are touched: the rest is the speech, sample for sample."""
    samples, rate = speech()

    processed = process(samples, rate, target_rate=rate)

    edge = rate // 10
    inner = processed[edge:-edge]
    assert len(processed) > 0.95 * len(samples)
    place = np.argmax(np.correlate(samples[: len(samples) // 2], inner[: rate // 2], "valid"))
    assert np.abs(samples[place : place + len(inner)] - inner).max() < 1e-4


@pytest.mark.parametrize("target_rate", [16_000, 22_050, 24_000, 44_100, 48_000])
def test_text_as_tones_is_still_read(target_rate: int) -> None:
    samples, rate = decode(tones(TEXT))

    assert heard(process(samples, rate, target_rate=target_rate), target_rate).strip() == TEXT
