"""The gain rule."""

from __future__ import annotations

import numpy as np
import pytest

from shared.audio.loudness import block_energies, decibels, integrated_loudness, true_peak
from shared.audio.segments import mastering
from shared.protocol.messages import LoudnessProfile
from tests.unit.segments.material import RATES, speech

RATE = 24_000


@pytest.mark.parametrize("profile", ["mono", "stereo"])
@pytest.mark.parametrize("level_db", [-18.0, 0.0, 6.0])
def test_a_chunk_of_its_own_gets_the_target_and_keeps_under_the_ceiling(
    profile: LoudnessProfile, level_db: float
) -> None:
    samples = speech(0, RATE) * np.float32(10 ** (level_db / 20))
    mastered = mastering.master(samples, RATE, profile, constant_db=None)
    energies = block_energies(mastered.samples, RATE)
    loudness = integrated_loudness(energies, channels=mastering.CHANNELS[profile])
    assert loudness == pytest.approx(mastering.TARGET_LUFS[profile] + mastering.PAUSES_LU, abs=0.15)
    assert decibels(true_peak(mastered.samples, RATE)) <= mastering.CEILING_DBTP + 0.2
    assert len(mastered.samples) == len(samples)


@pytest.mark.parametrize("rate", RATES)
def test_every_rate_is_mastered(rate: int) -> None:
    mastered = mastering.master(speech(1, rate), rate, "mono", constant_db=None)
    assert integrated_loudness(block_energies(mastered.samples, rate)) == pytest.approx(-18.85, abs=0.15)


@pytest.mark.parametrize(
    ("own", "constant", "seconds", "expected"),
    [
        (7.0, None, 1.0, 7.0),  # a short episode: its own
        (7.0, 6.0, 10.0, 7.0),  # long enough: its own, near the constant
        (14.0, 6.0, 3.0, 14.0),
        (20.0, 6.0, 10.0, 18.0),  # at most 12 dB away
        (-8.0, 6.0, 10.0, -6.0),
        (7.5, 6.0, 1.0, 6.5),  # a third of the weight
        (20.0, 6.0, 1.5, 7.5),  # half of it, and at most 3 dB away
        (20.0, 6.0, 2.25, 6 + 0.75 * 7.5),
    ],
)
def test_the_rule(own: float, constant: float | None, seconds: float, expected: float) -> None:
    assert mastering.gain_db(own, constant, seconds) == pytest.approx(expected)


def test_silence_is_not_raised() -> None:
    silence = np.zeros(RATE, dtype=np.float32)
    assert mastering.master(silence, RATE, "mono", constant_db=None).gain_db == 0.0
    assert mastering.own_gain_db(silence + np.float32(1e-4), RATE, "mono") <= mastering.OWN_GAIN_LIMIT_DB


def test_an_ornament_is_not_raised_to_the_loudness_of_speech() -> None:
    quiet = speech(0, RATE) * np.float32(0.001)
    assert mastering.master(quiet, RATE, "mono", constant_db=None, is_speech=False).gain_db == 0.0
    assert mastering.master(quiet, RATE, "mono", constant_db=4.0, is_speech=False).gain_db == 4.0
