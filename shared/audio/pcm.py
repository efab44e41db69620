"""16-bit samples and floating-point ones: the one rule of rounding, without dither, for whatever is stored exactly."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.audio.loudness import Samples

FULL_SCALE: Final = 32_768.0
"""16-bit sample = [-1, 1] sample times this; libsndfile divides by the same number."""
SAMPLE_BYTES: Final = 2


def quantized(samples: Samples, *, whole: int = 1) -> NDArray[np.int16]:
    """`samples` with 16 bits, those over full scale clipped.

    Args:
        samples: mono, in [-1, 1].
        whole: silence is added at the end, up to a multiple of so many samples.
    """
    pcm = np.zeros(-(-len(samples) // whole) * whole, dtype=np.int16)
    pcm[: len(samples)] = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return pcm


def floating(pcm: NDArray[np.int16]) -> Samples:
    """16-bit samples in [-1, 1]."""
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)
