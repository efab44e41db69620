"""How much of the noise that an encoder adds can be heard: the noise-to-mask ratio, after ITU-R BS.1387 (PEAQ). Pure.

From its basic version come the frames (2,048 samples at 48 kHz, Hann window, half overlapping), the bands (0.25 Bark,
from 80 Hz on), the filter of the outer and middle ear, the internal noise, the spreading of each band over its
neighbours, and how far below the spread energy the mask is: 3 dB, from 12 Bark on a quarter of the Bark. Simpler than
there: nothing is spread over time, and noise is the difference of the waveforms, not of the magnitude spectra. So what
an encoder replaces by other noise of the same level counts as noise in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.audio.loudness import Samples

Floats = NDArray[np.float64]

RATE: Final = 48_000
FRAME: Final = 2_048
HOP: Final = FRAME // 2
BAND_BARK: Final = 0.25
LOWEST_HZ: Final = 80.0
FULL_SCALE_DB: Final = 92.0
"""Sound pressure level of a sine at full scale: BS.1387's assumption of how loud people listen."""
DISTURBED_DB: Final = 1.5
"""BS.1387's "disturbed frames": in one band at least the noise is this much above the mask."""
LEAST_LEVEL_DB: Final = -60.0
"""Frames of the original below this, relative to full scale, are pauses and do not count."""
_LEAST_RATIO_DB: Final = -100.0
"""Of a frame without any noise, which would be minus infinity."""
_SPREADING_POWER: Final = 0.4
_LOWER_SLOPE_DB: Final = 27.0
_FRAMES_AT_A_TIME: Final = 256


class Audibility(NamedTuple):
    """What is heard of the noise.

    Attributes:
        total_db: mean of noise / mask over all bands and frames, in dB ("total NMR"; the lower the better). The few
            worst frames decide it.
        segmental_db: mean over the frames of each one's noise / mask in dB ("segmental NMR"): the usual frame.
        disturbed: share of the frames with a band in which the noise is `DISTURBED_DB` above the mask.
        frames: how many frames counted.
    """

    total_db: float
    segmental_db: float
    disturbed: float
    frames: int


def gain_of(original: Samples, decoded: Samples) -> float:
    """The factor that brings `decoded` closest to `original` (least squares)."""
    return float(np.dot(original, decoded) / np.dot(decoded, decoded))


def lag_of(original: Samples, decoded: Samples) -> int:
    """How many samples `decoded` is late, by the peak of the correlation; negative if it is early."""
    size = 1 << (len(original) + len(decoded)).bit_length()
    spectrum = np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(original, size))
    at = int(np.argmax(np.fft.irfft(spectrum, size)))
    return at if at < size // 2 else at - size


@dataclass(frozen=True)
class Mask:
    """What an original hides.

    Args:
        original: one channel at `RATE`, full scale 1.
        highest_hz: bands above it are left out: nothing is to be compared there.
    """

    original: Samples
    highest_hz: float

    def audibility(self, decoded: Samples) -> Audibility:
        """Compare a decoded signal, aligned to the sample and of the same level.

        Raises:
            ValueError: it has another length, or the original has nothing but pauses.
        """
        if len(decoded) != len(self.original):
            raise ValueError(f"{len(decoded)} samples are compared with {len(self.original)}.")
        if not self._sounding.any():
            raise ValueError("There is nothing to hear in the original.")
        noise = np.concatenate([*_patterns(decoded - self.original, self._bands)])[self._sounding]
        ratio = noise / self._thresholds
        disturbed = np.max(ratio, axis=1) > 10 ** (DISTURBED_DB / 10)
        by_frame = np.maximum(np.mean(ratio, axis=1), 10 ** (_LEAST_RATIO_DB / 10))
        return Audibility(
            total_db=float(10 * np.log10(np.mean(by_frame))),
            segmental_db=float(np.mean(10 * np.log10(by_frame))),
            disturbed=float(np.mean(disturbed)),
            frames=len(ratio),
        )

    @cached_property
    def _bands(self) -> _Bands:
        return _Bands.up_to(self.highest_hz)

    @cached_property
    def _sounding(self) -> NDArray[np.bool_]:
        levels = [np.mean(np.square(frames), axis=1) for frames in _frames(self.original)]
        return np.asarray(np.concatenate(levels) > 10 ** (LEAST_LEVEL_DB / 10))

    @cached_property
    def _thresholds(self) -> Floats:
        """The mask of each sounding frame and band."""
        patterns = np.concatenate([*_patterns(self.original, self._bands)])[self._sounding]
        return np.concatenate(
            [
                self._bands.mask(patterns[at : at + _FRAMES_AT_A_TIME])
                for at in range(0, len(patterns), _FRAMES_AT_A_TIME)
            ]
        )


@dataclass(frozen=True)
class _Bands:
    """The bands: which bins belong to each, by what share (weighted by the ear's filter), and their centres in Hz."""

    shares: Floats
    centres: Floats

    @classmethod
    def up_to(cls, highest_hz: float) -> _Bands:
        lowest, highest = (7 * np.arcsinh(hz / 650) for hz in (LOWEST_HZ, highest_hz))
        edges = 650 * np.sinh(np.arange(lowest, highest, BAND_BARK) / 7)
        width = RATE / FRAME
        bins = np.arange(FRAME // 2 + 1) * width
        above = np.minimum(bins[:, None] + width / 2, edges[None, 1:])
        below = np.maximum(bins[:, None] - width / 2, edges[None, :-1])
        shares = np.clip(above - below, 0, None) / width
        kilohertz = np.maximum(bins, width) / 1_000
        ear_db = -0.6 * 3.64 * kilohertz**-0.8 + 6.5 * np.exp(-0.6 * (kilohertz - 3.3) ** 2) - 1e-3 * kilohertz**3.6
        return cls(shares * 10 ** (ear_db[:, None] / 10), (edges[1:] + edges[:-1]) / 2)

    @cached_property
    def internal_noise(self) -> Floats:
        return np.asarray(10 ** (0.4 * 0.364 * (self.centres / 1_000) ** -0.8))

    @cached_property
    def offset_db(self) -> Floats:
        """How far the mask is below the energy."""
        bark = np.arange(len(self.centres)) * BAND_BARK
        return np.where(bark <= 12, 3.0, 0.25 * bark)

    def mask(self, energies: Floats) -> Floats:
        """From the energies of some frames, the ear's internal noise not included."""
        heard = energies + self.internal_noise
        spread = self._spread(heard) / self._spread(np.ones((1, len(self.centres))))
        return spread / 10 ** (self.offset_db / 10)

    def _spread(self, energies: Floats) -> Floats:
        """What reaches each band from all of them; louder ones reach further upwards."""
        slopes = -24 - 230 / self.centres + 2 * np.log10(energies)  # dB a Bark upwards; 0.2 of the level in dB
        steps = BAND_BARK * np.subtract.outer(np.arange(len(self.centres)), np.arange(len(self.centres))).T
        decibels = np.where(steps >= 0, slopes[:, :, None] * steps, _LOWER_SLOPE_DB * steps)
        shares = 10 ** (decibels / 10)
        shares /= shares.sum(axis=2, keepdims=True)
        together = ((energies[:, :, None] * shares) ** _SPREADING_POWER).sum(axis=1)
        return np.asarray(together ** (1 / _SPREADING_POWER))


def _frames(samples: Samples) -> Iterator[Floats]:
    """Overlapping frames, some at a time; what is left over at the end is shorter than a frame."""
    count = max(0, (len(samples) - FRAME) // HOP + 1)
    windows = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP] if count else np.zeros((0, FRAME))
    for at in range(0, count, _FRAMES_AT_A_TIME):
        yield windows[at : at + _FRAMES_AT_A_TIME].astype(np.float64)


def _patterns(samples: Samples, bands: _Bands) -> Iterator[Floats]:
    """The energy of each frame in each band; a sine at full scale has `FULL_SCALE_DB` in all, before the ear."""
    scale = 10 ** (FULL_SCALE_DB / 10) * 32 / (3 * FRAME**2)
    window = np.hanning(FRAME + 1)[:-1]
    for frames in _frames(samples):
        power = np.abs(np.fft.rfft(frames * window)) ** 2
        yield scale * power @ bands.shares
