"""The noise-to-mask ratio of the benchmark of quality."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from benchmarks.noise_to_mask import RATE, Mask, gain_of, lag_of
from benchmarks.quality_episodes import laid_out
from services.assembler.segment_levels import SegmentLevels
from shared.audio.loudness import Samples
from shared.audio.segments import flac, making, mastering
from tests.unit.joining.material import place, whole

SECONDS = 2
CHANCE = np.random.default_rng(5)


def tone(frequency: float, *, dbfs: float = -20.0) -> Samples:
    turns = np.arange(SECONDS * RATE) * frequency / RATE
    return np.asarray(10 ** (dbfs / 20) * np.sin(2 * np.pi * turns), dtype=np.float32)


def noise(dbfs: float, *, low: float = 0.0, high: float = RATE / 2) -> Samples:
    """Noise of an exact level in a band of frequencies."""
    spectrum = np.fft.rfft(CHANCE.standard_normal(SECONDS * RATE))
    frequencies = np.fft.rfftfreq(SECONDS * RATE, 1 / RATE)
    sound = np.fft.irfft(np.where((frequencies >= low) & (frequencies <= high), spectrum, 0))
    return np.asarray(sound * 10 ** (dbfs / 20) / np.sqrt(np.mean(sound**2)), dtype=np.float32)


def test_identical_signals_have_no_noise() -> None:
    original = noise(-20)
    same = Mask(original, 10_800).audibility(original)
    assert (same.total_db, same.segmental_db, same.disturbed) == (-100, -100, 0)


@pytest.mark.parametrize("distance_db", [-30.0, -20.0, -10.0, 0.0])
def test_white_noise_under_white_noise_is_as_far_from_the_mask_as_its_level_says(distance_db: float) -> None:
    """The mask of white noise is 3 to 5.25 dB below its own energy up to 21 Bark, and spreading evens itself out."""
    original = noise(-20)
    heard = Mask(original, 10_800).audibility(original + noise(-20 + distance_db))
    assert heard.total_db == pytest.approx(distance_db + 3.5, abs=1.5)
    assert heard.segmental_db == pytest.approx(heard.total_db, abs=0.3)


def test_noise_far_below_the_mask_disturbs_no_frame_and_noise_above_it_every_one() -> None:
    mask = Mask(noise(-20), 10_800)
    assert mask.audibility(mask.original + noise(-45)).disturbed == 0
    assert mask.audibility(mask.original + noise(-15)).disturbed == 1


def test_louder_noise_is_worse_by_as_much() -> None:
    mask = Mask(tone(1_000) + noise(-50), 10_800)
    added = noise(-60)
    softer, louder = (mask.audibility(mask.original + added * factor) for factor in (1, 2))
    assert louder.total_db - softer.total_db == pytest.approx(6.02, abs=0.05)
    assert louder.disturbed >= softer.disturbed


def test_a_tone_masks_noise_near_it_more_than_noise_far_away_and_more_above_than_below() -> None:
    mask = Mask(tone(1_000), 10_800)

    def beside(low: float, high: float) -> float:
        return mask.audibility(mask.original + noise(-55, low=low, high=high)).total_db

    near, above, below, far = beside(950, 1_050), beside(1_500, 1_600), beside(500, 600), beside(4_000, 4_100)
    assert near < above - 6 < far - 12
    assert above < below


def test_a_pause_does_not_count() -> None:
    speech = noise(-20)
    original = np.concatenate((speech, np.zeros_like(speech)))
    mask = Mask(original, 10_800)
    in_speech = mask.audibility(original + np.concatenate((noise(-40), np.zeros_like(speech))))
    in_pause = mask.audibility(original + np.concatenate((np.zeros_like(speech), noise(-40))))
    assert in_pause.frames == in_speech.frames == pytest.approx(len(speech) / 1_024, abs=2)
    assert in_pause.total_db < in_speech.total_db - 10  # the last frame is half pause
    assert in_pause.segmental_db < in_speech.segmental_db - 70


def test_lag_and_level_are_found() -> None:
    original = noise(-20)
    for late in (-700, 0, 1, 700):
        assert lag_of(original, np.roll(original, late) * np.float32(0.95)) == late
    assert gain_of(original, original * np.float32(0.95)) == pytest.approx(1 / 0.95, rel=1e-6)


def test_signals_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="99 samples"):
        Mask(noise(-20), 10_800).audibility(np.zeros(99, dtype=np.float32))
    with pytest.raises(ValueError, match="nothing to hear"):
        Mask(np.zeros(RATE, dtype=np.float32), 10_800).audibility(np.zeros(RATE, dtype=np.float32))


def test_what_segments_were_made_of_is_laid_out_where_they_are() -> None:
    rate = 24_000
    chunks = [np.asarray(soxr.resample(noise(-30), RATE, rate), dtype=np.float32) for _ in range(2)]
    mastered = [mastering.master(chunk, rate, "mono", constant_db=None) for chunk in chunks]
    heads = [making.make(each, rate, flac.CODEC, channels=1).head for each in mastered]
    starts = [7_200, 7_200 + len(chunks[0]) + 12_000]
    placed = place(heads, starts)
    levels = SegmentLevels()
    for each in placed:
        levels.add(each)
    sound = laid_out(whole(placed, starts[1] + len(chunks[1]) + 16_800), levels, chunks)
    for start, each in zip(starts, mastered, strict=True):
        assert np.array_equal(sound[start : start + len(each.samples)], each.samples)
    assert not sound[: starts[0]].any()
    assert not sound[starts[0] + len(chunks[0]) : starts[1]].any()
