"""True peak (ITU-R BS.1770-4, annex 2): the largest magnitude at and between samples, from pieces of any size."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PEAK_RATE_HZ = 192_000
"""Audio is oversampled to at least this rate (BS.1770-4, annex 2): 4-fold at 48 kHz, 8-fold at 24 kHz."""
TAPS = 12
"""Samples per interpolated value: a windowed sinc, as long as the standard's and libebur128's."""
PEAK_SEGMENT_SAMPLES = 256
"""The peak is searched for in pieces of this size; those that cannot hold it are skipped."""

Samples = NDArray[np.float32]
"""Mono audio; full scale is [-1, 1]."""


@lru_cache(maxsize=16)
def _phases(rate: int) -> tuple[NDArray[np.float32], float]:
    """A row of taps for each value between two samples, and the largest possible such value for samples in [-1, 1]."""
    oversampling = max(2, math.ceil(PEAK_RATE_HZ / rate))
    middle = TAPS * oversampling // 2
    taps = np.sinc((np.arange(2 * middle + 1) - middle) / oversampling) * np.hanning(2 * middle + 1)
    phases = np.stack([taps[phase::oversampling][:TAPS] for phase in range(1, oversampling)])
    return phases.astype(np.float32), float(np.abs(phases).sum(axis=1).max())


class TruePeakMeter:
    """The largest magnitude of a stream at and between its samples, in constant memory.

    Most speech is far quieter than its loudest syllable. A segment is skipped if its largest sample, times the largest
    gain of the interpolation, is below the peak found so far: it cannot change the result.
    """

    def __init__(self, rate: int) -> None:
        self.peak = 0.0
        self._phases, self._most_gain = _phases(rate)
        self._tail = np.zeros(TAPS - 1, dtype=np.float32)

    def push(self, samples: Samples) -> None:
        """Measure the next piece: mono, full scale is 1. Peaks in its last 11 samples are found with the next piece."""
        if not len(samples):
            return
        extended = np.concatenate((self._tail, samples.astype(np.float32, copy=False)))
        self._tail = extended[-(TAPS - 1) :].copy()
        segments = _segments(extended)
        highest = np.maximum(segments.max(axis=1), -segments.min(axis=1))
        loudest = int(highest.argmax())
        self.peak = max(self.peak, float(highest[loudest]))
        self._interpolate(segments[loudest : loudest + 1])
        candidates = highest * self._most_gain > self.peak
        candidates[loudest] = False
        self._interpolate(segments[candidates])

    def finish(self) -> float:
        """The peak of everything pushed, linear; the stream is treated as followed by silence."""
        self.push(np.zeros(TAPS - 1, dtype=np.float32))
        return self.peak

    def _interpolate(self, segments: Samples) -> None:
        if len(segments):
            windows = np.lib.stride_tricks.sliding_window_view(segments, TAPS, axis=1)
            between = np.einsum("snt,pt->psn", windows, self._phases)
            self.peak = max(self.peak, float(between.max()), -float(between.min()))


def _segments(extended: Samples) -> Samples:
    """Pieces of `PEAK_SEGMENT_SAMPLES`, each with the 11 samples before it as context; all of them are real samples.

    The last piece overlaps the one before it. Were it filled up with silence, a peak would appear where the next piece
    begins, since a sound that is cut off overshoots.
    """
    length = PEAK_SEGMENT_SAMPLES + TAPS - 1
    if len(extended) <= length:
        return extended[np.newaxis]
    segments = np.lib.stride_tricks.sliding_window_view(extended, length)[::PEAK_SEGMENT_SAMPLES]
    return np.concatenate((segments, extended[np.newaxis, -length:]))


def true_peak(samples: Samples, rate: int) -> float:
    """The largest magnitude at and between `samples`, linear: 1.0 is full scale."""
    meter = TruePeakMeter(rate)
    meter.push(samples)
    return meter.finish()


def decibels(linear: float) -> float:
    """20 log10, minus infinity for 0: dBTP of a true peak."""
    return 20 * math.log10(linear) if linear > 0 else -math.inf
