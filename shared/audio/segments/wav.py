"""WAV segments: 16-bit PCM, cut into frames of 100 ms, so that chunks lie exactly where the timeline has them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.audio.loudness import Samples, block_samples
from shared.audio.segments.codecs import EncodedChunk
from shared.protocol.messages import AudioFormat

FULL_SCALE: Final = 32_768.0
SAMPLE_BYTES: Final = 2


class Wav:
    """See `Codec`."""

    format: AudioFormat = "wav"
    encoder = "pcm-s16"

    def frame_samples(self, rate: int) -> int:
        """Samples in 100 ms."""
        return block_samples(rate)

    def encode(self, samples: Samples, rate: int, channels: int) -> EncodedChunk:
        """See `Codec.encode`."""
        size = self.frame_samples(rate)
        pcm = quantized(samples, size)
        frames = [np.repeat(pcm[at : at + size], channels).astype("<i2").tobytes() for at in range(0, len(pcm), size)]
        return EncodedChunk(frames, before=0, after=0, decoded=heard(pcm[: len(samples)]), decoded_rate=rate)


def quantized(samples: Samples, frame_samples: int) -> NDArray[np.int16]:
    """As 16-bit samples, filled with silence to whole frames; without dither, as chunks are stored."""
    pcm = np.zeros(-(-len(samples) // frame_samples) * frame_samples, dtype=np.int16)
    pcm[: len(samples)] = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
    return pcm


def heard(pcm: NDArray[np.int16]) -> Samples:
    """16-bit samples in [-1, 1]."""
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


CODEC: Final = Wav()
