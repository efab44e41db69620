"""A true-peak limiter for a stream: looks ahead, changes the gain smoothly, adds and loses no samples.

For each sample the reduction that its (4-fold oversampled) peak needs is found; it is held and released at a
constant rate; then the largest within the look-ahead is taken and averaged, twice over half of that length. An average
of values that are all sufficient for a peak is sufficient too, so no peak gets through, and the gain never jumps.
Everything is vectorised; where nothing is near the ceiling, samples just pass through.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.audio.loudness import Samples

LOOK_AHEAD_SECONDS = 0.005
RELEASE_DB_A_SECOND = 120.0
"""3 dB are released in 25 ms: short enough not to dull the next syllable, long enough not to follow the waveform."""
OVERSAMPLING = 4
HALF_TAPS = 12
"""How many samples the interpolator looks at on each side."""
INTERSAMPLE_MARGIN_DB = 4.0
"""Samples further below the ceiling are not oversampled; the decoded result is measured anyway."""


def _interpolators() -> NDArray[np.float32]:
    """Windowed-sinc filters for the positions 1/4, 1/2, 3/4 between two samples, one a row."""
    at = np.arange(-HALF_TAPS + 1, HALF_TAPS + 1)
    rows = []
    for phase in range(1, OVERSAMPLING):
        distance = at - phase / OVERSAMPLING
        window = np.cos(np.pi * distance / (2 * HALF_TAPS)) ** 2
        rows.append(np.sinc(distance) * window)
    return np.array(rows, dtype=np.float32)


_PHASES = _interpolators()
_NEPERS_A_DB = np.float32(-np.log(10) / 20)
"""exp(this times dB) is the factor of a reduction; half the cost of a power of ten."""


class Limiter:
    """Mono; `push` returns what is ready, `finish` the rest. The output is as long as the input."""

    def __init__(self, rate: int, ceiling_dbtp: float) -> None:
        self._ceiling = 10 ** (ceiling_dbtp / 20)
        self._quiet = self._ceiling * 10 ** (-INTERSAMPLE_MARGIN_DB / 20)
        self._ahead = 2 * max(1, round(rate * LOOK_AHEAD_SECONDS / 2))
        self._release = RELEASE_DB_A_SECOND / rate
        self._known = np.zeros(HALF_TAPS, dtype=np.float32)  # context on the left of the first unseen sample
        self._waiting = np.zeros(0, dtype=np.float32)  # seen, but their gain is not decided yet
        self._held = np.zeros(2 * self._ahead)  # the reductions that the next gains still depend on
        self._reduction = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is being reduced, neither now nor in the values that the next gains depend on."""
        return self._reduction <= 0.0 and not self._held.any()

    def push(self, samples: Samples) -> Samples:
        """Take the next piece and return the samples whose gain is decided."""
        return self._advance(np.asarray(samples, dtype=np.float32))

    def finish(self) -> Samples:
        """The samples that were still waiting; the stream is treated as if followed by silence."""
        waiting = len(self._waiting) + (len(self._known) - HALF_TAPS)
        return self._advance(np.zeros(self._ahead + HALF_TAPS, dtype=np.float32))[:waiting]

    def _advance(self, samples: Samples) -> Samples:
        extended = np.concatenate((self._known, samples))
        fresh = extended[HALF_TAPS : len(extended) - HALF_TAPS]  # those whose right context is known too
        if not len(fresh):
            self._known = extended
            return np.zeros(0, dtype=np.float32)
        self._known = extended[len(extended) - 2 * HALF_TAPS :].copy()
        pending = np.concatenate((self._waiting, fresh))
        ready = max(0, len(pending) - self._ahead)
        self._waiting = pending[ready:].copy()
        loudest = max(float(extended.max()), -float(extended.min()))
        if loudest < self._quiet and self.idle:
            return pending[:ready]
        needed = self._needed(extended)
        if self.idle and not needed.any():
            return pending[:ready]
        held = np.concatenate((self._held, self._hold(needed)))
        # held[k] belongs to the sample k - 2 * ahead after the first fresh one; pending[0] is at most `ahead` before it
        first = 2 * self._ahead - (len(pending) - len(fresh))
        self._held = held[len(held) - 2 * self._ahead :].copy()
        if not ready:
            return pending[:0]
        span = held[first - self._ahead : first + ready + self._ahead]
        largest = _running_max(span, self._ahead + 1)
        half = self._ahead // 2 + 1
        reduction = _running_mean(_running_mean(largest, half), half)
        gains: Samples = np.exp(reduction.astype(np.float32) * _NEPERS_A_DB)
        return pending[:ready] * gains

    def _needed(self, extended: Samples) -> NDArray[np.float64]:
        """The reduction in dB that each fresh sample needs, with the peaks between it and its neighbours."""
        peaks = np.abs(extended)
        loud = np.flatnonzero(peaks > self._quiet)
        # Between the samples i - 1 and i, for each i that is loud or follows one that is.
        at = np.union1d(loud, loud + 1)
        at = at[(at >= HALF_TAPS) & (at <= len(extended) - HALF_TAPS)]
        windows = np.lib.stride_tricks.sliding_window_view(extended, 2 * HALF_TAPS)[at - HALF_TAPS]
        between = np.abs(windows @ _PHASES.T).max(axis=1, initial=0.0)
        peaks[at - 1] = np.maximum(peaks[at - 1], between)
        peaks[at[at < len(peaks)]] = np.maximum(peaks[at[at < len(peaks)]], between[at < len(peaks)])
        fresh = peaks[HALF_TAPS : len(extended) - HALF_TAPS]
        needed = np.zeros(len(fresh))
        over = fresh > self._ceiling
        needed[over] = 20 * np.log10(fresh[over] / self._ceiling)
        return needed

    def _hold(self, needed: NDArray[np.float64]) -> NDArray[np.float64]:
        """Release a reduction at `RELEASE_DB_A_SECOND`: the larger of what is needed and what remains."""
        slope = self._release * np.arange(1, len(needed) + 1)
        held = np.maximum.accumulate(np.maximum(needed + slope, self._reduction)) - slope
        held = np.maximum(held, 0.0)
        self._reduction = float(held[-1])
        return np.asarray(held)


def _running_mean(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The mean of each `length` consecutive values."""
    totals = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray((totals[length:] - totals[:-length]) / length)


def _running_max(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The largest of each `length` consecutive values, by doubling (7 passes for 120 values)."""
    width = 1
    while width * 2 <= length:
        values = np.maximum(values[:-width], values[width:])
        width *= 2
    rest = length - width
    return np.maximum(values[:-rest], values[rest:]) if rest else values
