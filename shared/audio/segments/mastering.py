"""How loud a chunk becomes, before anybody knows the whole episode: the gain rule, then the limiter. Pure.

A chunk's *own* gain is the one that brings it, limited, to the loudness of the profile. Where a voice's usual gain is
known (its constant), a chunk departs from it the less the shorter it is: a heading of one second has a loudness by
chance. From 3 s on it has its own gain, as far as that is within 12 dB of the constant, so that nobody hears when an
engine speaks one chunk louder than the next. Measured for piper's voice: episodes of 30 chunks and more are all within
0.5 LU of the target, of shorter ones 98 %. So an episode of up to `SHORT_EPISODE_CHUNKS` (manifest.py) chunks gives
each its own gain, and needs no constant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.audio.limiter import Limiter
from shared.audio.loudness import Samples, block_energies, decibels, integrated_loudness, true_peak
from shared.protocol.messages import LoudnessProfile

MASTERING_VERSION: Final = 2
"""Increment it when a number here, in the limiter or in the rule changes what a segment sounds like."""

TARGET_LUFS: Final[dict[LoudnessProfile, float]] = {"mono": -19.0, "stereo": -16.0}
"""The usual targets of podcast directories; one channel measures 3 LU lower than two with the same content."""
CHANNELS: Final[dict[LoudnessProfile, int]] = {"mono": 1, "stereo": 2}
CEILING_DBTP: Final = -3.0
"""Of the PCM: lossy encoders overshoot by up to 2 dB with speech."""

FULL_WEIGHT_SECONDS: Final = 3.0
"""A chunk of this length or more has all of its departure."""
SHORT_DEPARTURE_LIMIT_DB: Final = 3.0
"""For chunks of up to half the length that has full weight; between the two lengths the limit grows evenly."""
DEPARTURE_LIMIT_DB: Final = 12.0
"""For chunks with full weight. One that is further from its voice is hardly speech, and its noise would be raised."""
LEARNING_SECONDS: Final = 6.0
"""A voice's constant is learnt from a chunk of at least this length."""
OWN_GAIN_LIMIT_DB: Final = 30.0
"""A chunk that needs more has next to no sound in it."""

PAUSES_LU: Final = 0.15
"""Chunks aim so much above the target: windows that hold part of a pause make an episode 0 to 0.4 LU softer than they
are (measured: espeak-ng in four languages, piper)."""
_CLOSE_LU: Final = 0.1
_ROUNDS: Final = 4
_FIRST_STEP: Final = 1.3
"""More than 1 dB of gain for 1 LU: the limiter also reduces part of what is added."""
_STEEPEST: Final = 4.0
_SLICES_A_SECOND: Final = 2
"""In most half-second slices the limiter is idle."""


@dataclass(frozen=True, slots=True)
class Mastered:
    """A chunk as it goes to the encoders.

    Attributes:
        samples: as many as before.
        gain_db: what was applied before the limiter.
    """

    samples: Samples
    gain_db: float


def own_gain_db(samples: Samples, rate: int, profile: LoudnessProfile) -> float:
    """The gain that brings `samples`, limited, to the profile's loudness; 0 if there is nothing to hear in them."""
    channels = CHANNELS[profile]
    loudness = integrated_loudness(block_energies(samples, rate), channels=channels)
    aim = TARGET_LUFS[profile] + PAUSES_LU
    gain = aim - loudness
    if not gain < OWN_GAIN_LIMIT_DB:
        return 0.0 if math.isinf(loudness) else OWN_GAIN_LIMIT_DB
    if decibels(true_peak(samples, rate)) + gain <= CEILING_DBTP:
        return gain
    step, before = _FIRST_STEP, None
    for _ in range(_ROUNDS):
        limited = limit(samples, rate, gain)
        miss = aim - integrated_loudness(block_energies(limited, rate), channels=channels)
        if abs(miss) <= _CLOSE_LU:
            break
        if before is not None and before[1] != miss:
            step = min(_STEEPEST, max(1.0, (gain - before[0]) / (before[1] - miss)))
        before = (gain, miss)
        gain = min(OWN_GAIN_LIMIT_DB, gain + miss * step)
    return gain


def gain_db(own_db: float, constant_db: float | None, seconds: float) -> float:
    """The gain of a chunk by the rule.

    Args:
        own_db: its own gain.
        constant_db: the usual gain of its voice; None: the episode is short, and its own gain counts.
        seconds: its length.
    """
    if constant_db is None:
        return own_db
    weight = min(1.0, seconds / FULL_WEIGHT_SECONDS)
    beyond_half = max(0.0, 2 * weight - 1)
    limit_db = SHORT_DEPARTURE_LIMIT_DB + (DEPARTURE_LIMIT_DB - SHORT_DEPARTURE_LIMIT_DB) * beyond_half
    return constant_db + weight * min(limit_db, max(-limit_db, own_db - constant_db))


def master(
    samples: Samples, rate: int, profile: LoudnessProfile, *, constant_db: float | None, is_speech: bool = True
) -> Mastered:
    """Bring a chunk to its loudness, and its peaks under the ceiling.

    Args:
        samples: of the stored chunk, mono.
        rate: Hz.
        profile: of the episode.
        constant_db: the usual gain of its voice; None: the episode is short.
        is_speech: whether its text has anything to say; an ornament is not raised to the loudness of speech.
    """
    if is_speech:
        gain = gain_db(own_gain_db(samples, rate, profile), constant_db, len(samples) / rate)
    else:
        gain = constant_db or 0.0
    gain = round(gain, 2)
    return Mastered(limit(samples, rate, gain), gain)


def limit(samples: Samples, rate: int, gain: float) -> Samples:
    """`samples` with `gain` dB, and their true peaks under the ceiling."""
    limiter = Limiter(rate, CEILING_DBTP)
    factor = np.float32(10 ** (gain / 20))
    step = rate // _SLICES_A_SECOND
    parts = [limiter.push(samples[at : at + step] * factor) for at in range(0, len(samples), step)]
    return np.concatenate((*parts, limiter.finish()))
