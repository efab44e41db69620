"""Loudness and true peak (ITU-R BS.1770-4) of mono speech, in one pass, from pieces of any size.

The measure that everything is built on is the *block energy*: the K-weighted mean square of 100 ms of sound. Energies
of pieces that lie on the same 100 ms grid can be strung together, and `integrated_loudness` of the string is the
loudness of the whole. (The mean of the pieces' loudnesses is not: it was 0.28 LU off.)
"""

from __future__ import annotations

import math
from array import array
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

BLOCK_SECONDS = 0.1
"""Length of a block. Sample rates are multiples of 10 Hz, so that a block is a whole number of samples."""

WINDOW_BLOCKS = 4
"""A gating window is 400 ms; windows overlap by 75 %, so one begins at each block (BS.1770-4, annex 1)."""

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
LUFS_OFFSET = -0.691
"""Makes a 997 Hz sine at full scale on one channel read -3.01 LUFS (BS.1770-4, annex 1)."""

PEAK_RATE_HZ = 192_000
"""The true peak is looked for at this rate or above (BS.1770-4, annex 2): 4-fold at 48 kHz, 8-fold at 24 kHz."""
TAPS = 12
"""Samples that one interpolated value is made of: a windowed sinc, as long as the standard's and libebur128's."""
PEAK_SEGMENT_SAMPLES = 256
"""The peak is searched for in pieces of this size; those that cannot hold it are skipped."""

Samples = NDArray[np.float32]
Energies = NDArray[np.float64]


def block_samples(rate: int) -> int:
    """Samples in a 100 ms block at `rate` Hz.

    Raises:
        ValueError: a block is no whole number of samples at this rate.
    """
    samples, rest = divmod(rate, round(1 / BLOCK_SECONDS))
    if rest or not samples:
        raise ValueError(f"100 ms are no whole number of samples at {rate} Hz")
    return samples


@lru_cache(maxsize=16)
def _k_weighting(rate: int) -> NDArray[np.float64]:
    """The two stages of the K filter as second-order sections, for any rate.

    BS.1770 gives coefficients for 48 kHz alone; these are the analogue parameters behind them (as in libebur128), so
    that at 48 kHz the coefficients come out as printed in the standard.
    """
    gain, frequency, quality = 3.999843853973347, 1681.974450955533, 0.7071752369554196
    k = math.tan(math.pi * frequency / rate)
    high = 10 ** (gain / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / quality + k * k
    shelf = [
        (high + band * k / quality + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / quality + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / quality + k * k) / a0,
    ]
    frequency, quality = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * frequency / rate)
    a0 = 1 + k / quality + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0]
    return np.array([shelf, high_pass])


class LoudnessMeter:
    """Block energies of a stream that comes in pieces of any size; the filter's state is carried from piece to piece.

    Keeps 8 bytes for each 100 ms (1.4 MB for five hours).
    """

    def __init__(self, rate: int) -> None:
        self._block = block_samples(rate)
        self._sections = _k_weighting(rate)
        self._state = np.zeros((len(self._sections), 2))
        self._done = array("d")
        self._open_sum = 0.0
        self._open_samples = 0

    def push(self, samples: Samples) -> None:
        """Measure the next piece: mono, [-1, 1]."""
        if not len(samples):
            return
        weighted, self._state = sosfilt(self._sections, samples.astype(np.float64), zi=self._state)
        if self._open_samples:
            head = weighted[: self._block - self._open_samples]
            self._open_sum += float(np.dot(head, head))
            self._open_samples += len(head)
            weighted = weighted[len(head) :]
            if self._open_samples < self._block:
                return
            self._done.append(self._open_sum / self._block)
            self._open_sum, self._open_samples = 0.0, 0
        whole = len(weighted) // self._block
        blocks = weighted[: whole * self._block].reshape(whole, self._block)
        self._done.frombytes((np.einsum("ij,ij->i", blocks, blocks) / self._block).tobytes())
        rest = weighted[whole * self._block :]
        self._open_sum, self._open_samples = float(np.dot(rest, rest)), len(rest)

    @property
    def energies(self) -> Energies:
        """One energy for each 100 ms so far; a last block that is not full counts as padded with silence."""
        energies = np.array(self._done, dtype=np.float64)
        return np.append(energies, self._open_sum / self._block) if self._open_samples else energies

    def integrated(self, *, channels: int = 1) -> float:
        """The loudness of everything pushed so far, in LUFS."""
        return integrated_loudness(self.energies, channels=channels)


def block_energies(samples: Samples, rate: int) -> Energies:
    """K-weighted mean square of each 100 ms block of `samples` (mono, [-1, 1]); the last one padded with silence."""
    meter = LoudnessMeter(rate)
    meter.push(samples)
    return meter.energies


def integrated_loudness(energies: Energies, *, channels: int = 1) -> float:
    """Gated loudness in LUFS from 100 ms block energies.

    Args:
        energies: K-weighted mean squares on a 100 ms grid, of one channel.
        channels: how many channels carry this same signal; two are 3.01 LU louder than one.

    Returns:
        LUFS, or minus infinity where nothing is above the absolute gate. Sound shorter than one 400 ms window is
        taken as one window (the standard has no answer for it, a one-word chunk needs one).
    """
    energies = np.asarray(energies, dtype=np.float64) * channels
    if not len(energies):
        return -math.inf
    if len(energies) < WINDOW_BLOCKS:
        windows = np.array([energies.mean()])
    else:
        totals = np.concatenate(([0.0], np.cumsum(energies)))
        windows = (totals[WINDOW_BLOCKS:] - totals[:-WINDOW_BLOCKS]) / WINDOW_BLOCKS
    loud = windows[windows > _energy(ABSOLUTE_GATE_LUFS)]
    if not len(loud):
        return -math.inf
    gate = loud.mean() * 10 ** (RELATIVE_GATE_LU / 10)
    return LUFS_OFFSET + 10 * math.log10(loud[loud > gate].mean())


def _energy(lufs: float) -> float:
    return float(10 ** ((lufs - LUFS_OFFSET) / 10))


@lru_cache(maxsize=16)
def _phases(rate: int) -> tuple[NDArray[np.float32], float]:
    """A row of taps for each value between two samples, and the most that such a value can be where samples are 1."""
    oversampling = max(2, math.ceil(PEAK_RATE_HZ / rate))
    middle = TAPS * oversampling // 2
    taps = np.sinc((np.arange(2 * middle + 1) - middle) / oversampling) * np.hanning(2 * middle + 1)
    phases = np.stack([taps[phase::oversampling][:TAPS] for phase in range(1, oversampling)])
    return phases.astype(np.float32), float(np.abs(phases).sum(axis=1).max())


class TruePeakMeter:
    """The largest magnitude of a stream between its samples; memory does not grow.

    Most of speech is far below its loudest syllable: a segment whose largest sample, times the most that the
    interpolation can add, is below the peak found so far cannot change it and is not interpolated. The result is the
    same as without that.
    """

    def __init__(self, rate: int) -> None:
        self.peak = 0.0
        self._phases, self._most_gain = _phases(rate)
        self._tail = np.zeros(TAPS - 1, dtype=np.float32)

    def push(self, samples: Samples) -> None:
        """Measure the next piece: mono, full scale is 1. Peaks within its last 11 samples are seen with the next."""
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
        """The peak of everything pushed, linear; the stream counts as followed by silence."""
        self.push(np.zeros(TAPS - 1, dtype=np.float32))
        return self.peak

    def _interpolate(self, segments: Samples) -> None:
        if len(segments):
            windows = np.lib.stride_tricks.sliding_window_view(segments, TAPS, axis=1)
            between = np.einsum("snt,pt->psn", windows, self._phases)
            self.peak = max(self.peak, float(between.max()), -float(between.min()))


def _segments(extended: Samples) -> Samples:
    """Pieces of `PEAK_SEGMENT_SAMPLES`, each with the 11 samples before it as context, the last padded with silence."""
    context = TAPS - 1
    count = max(1, math.ceil((len(extended) - context) / PEAK_SEGMENT_SAMPLES))
    padded = np.zeros(count * PEAK_SEGMENT_SAMPLES + context, dtype=np.float32)
    padded[: len(extended)] = extended
    return np.lib.stride_tricks.sliding_window_view(padded, PEAK_SEGMENT_SAMPLES + context)[::PEAK_SEGMENT_SAMPLES]


def true_peak(samples: Samples, rate: int) -> float:
    """The largest magnitude of `samples` between and on its samples, linear: 1.0 is full scale."""
    meter = TruePeakMeter(rate)
    meter.push(samples)
    return meter.finish()


def decibels(linear: float) -> float:
    """20 log10, minus infinity for nothing: dBTP of a true peak."""
    return 20 * math.log10(linear) if linear > 0 else -math.inf
