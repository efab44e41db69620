"""Gain for voices that are louder or softer than the voice that speaks most of an episode. Pure.

One gain for the whole episode is enough for one voice. Voices of different engines, and even of one, are up to several
LU apart (measured: piper's `joe` -25.9 LUFS, espeak-ng's voices -19.7 to -22.0), which is heard as a step at each turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from services.assembler.timeline import ChunkMeasurement
from shared.audio.loudness import integrated_loudness
from shared.protocol.manifest import Manifest

TOLERANCE_LU: Final = 2.0
"""Voices that are closer to each other than this stay as they are: people differ as well."""
GAIN_LIMIT_DB: Final = 12.0
SHORTEST_BLOCKS: Final = 10
"""A voice that speaks for less than a second has no loudness worth measuring."""


def levelled(manifest: Manifest, measurements: Sequence[ChunkMeasurement]) -> list[ChunkMeasurement]:
    """The measurements of the chunks after their voices were brought to one loudness."""
    return [
        measurement._replace(
            energies=measurement.energies * 10 ** (gain / 10),
            true_peak_dbtp=measurement.true_peak_dbtp + gain,
            gain_db=gain,
        )
        if gain
        else measurement
        for measurement, gain in zip(measurements, gains_db(manifest, measurements), strict=True)
    ]


def gains_db(manifest: Manifest, measurements: Sequence[ChunkMeasurement]) -> list[float]:
    """The gain of each chunk before the gain of the episode, in dB; 0 wherever there is only one voice."""
    speaks = [manifest.voice_of(index) for index in range(len(measurements))]
    if len(set(speaks)) < 2:  # noqa: PLR2004 - one voice is as loud as itself
        return [0.0] * len(measurements)
    energies: dict[tuple[str, str, str], list[np.ndarray]] = {}
    for who, measurement in zip(speaks, measurements, strict=True):
        energies.setdefault(who, []).append(measurement.energies)
    joined = {who: np.concatenate(parts) for who, parts in energies.items()}
    most = max(joined, key=lambda who: len(joined[who]))
    loudness = {who: integrated_loudness(each, channels=1) for who, each in joined.items()}
    gains = {
        who: _gain(loudness[most] - loudness[who]) if len(joined[who]) >= SHORTEST_BLOCKS else 0.0 for who in joined
    }
    return [gains[who] for who in speaks]


def _gain(difference_lu: float) -> float:
    if not TOLERANCE_LU < abs(difference_lu) < float("inf"):  # silence has no loudness
        return 0.0
    return round(max(-GAIN_LIMIT_DB, min(GAIN_LIMIT_DB, difference_lu)), 2)
