"""Brings spoken chunks to one loudness while they stream: a constant gain for each, then a limiter. Pure; CPU only.

The whole is not known yet, so each chunk's gain follows the chunks before it: the gain that the last five minutes need,
corrected toward what this chunk needs by the rule of mastered segments (`shared/audio/segments/mastering.py`).
It depends on nothing but the audio, so the same text gives the same stream.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from shared.audio import chunk_audio
from shared.audio.limiter import Limiter
from shared.audio.loudness import ABSOLUTE_GATE_LUFS, Energies, Samples, integrated_loudness
from shared.audio.segments import mastering
from shared.errors import BadAudio

TARGET_LUFS: Final = mastering.TARGET_LUFS["mono"]
MEMORY_BLOCKS: Final = 3_000
"""How much of what was spoken decides the gain, in blocks of 100 ms: five minutes."""
GAIN_LIMIT_DB: Final = 40.0
_STEP_SAMPLES: Final = 48_000
"""Mastered at a time, so that a thread's work stays small."""


class Levelling:
    """Gain and limiter of one stream.

    Args:
        rate: sample rate of every chunk, Hz.
        ceiling_dbtp: what no true peak exceeds.
        extra_gain_db: what the encoder takes away.
    """

    def __init__(self, rate: int, *, ceiling_dbtp: float, extra_gain_db: float = 0.0) -> None:
        self._rate = rate
        self._extra_gain_db = extra_gain_db
        self._limiter = Limiter(rate, ceiling_dbtp)
        self._recent: deque[Energies] = deque()
        self._blocks = 0

    def chunk(self, data: bytes, pause_ms: int) -> Samples:
        """A stored chunk and the silence after it, as far as the limiter has decided about it.

        Raises:
            BadAudio: it is damaged, or has another sample rate.
        """
        measurement = chunk_audio.read_measurement(data)
        samples, rate = chunk_audio.decode(data)
        if rate != self._rate:
            raise BadAudio(f"A stored chunk has {rate} Hz instead of {self._rate} Hz.")
        gain = self._gain_db(np.array(measurement.energies), measurement.loudness_lufs, measurement.seconds)
        factor = np.float32(10 ** ((gain + self._extra_gain_db) / 20))
        silence = np.zeros(round(self._rate * pause_ms / 1_000), dtype=np.float32)
        return self._limited(np.concatenate((samples * factor, silence)))

    def finish(self) -> Samples:
        """The last samples."""
        return self._limiter.finish()

    def _gain_db(self, energies: Energies, loudness_lufs: float, seconds: float) -> float:
        self._recent.append(energies)
        self._blocks += len(energies)
        while self._blocks - len(self._recent[0]) >= MEMORY_BLOCKS:
            self._blocks -= len(self._recent.popleft())
        recent = TARGET_LUFS - integrated_loudness(np.concatenate(self._recent))
        usual = min(recent, GAIN_LIMIT_DB)
        if loudness_lufs <= ABSOLUTE_GATE_LUFS:
            return usual
        return mastering.gain_db(TARGET_LUFS - loudness_lufs, usual, seconds)

    def _limited(self, samples: Samples) -> Samples:
        steps = range(0, len(samples), _STEP_SAMPLES)
        return np.concatenate([self._limiter.push(samples[at : at + _STEP_SAMPLES]) for at in steps])
