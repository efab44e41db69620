"""WAV segments: 16-bit PCM, cut into frames of 100 ms, so that chunks lie exactly where the timeline has them."""

from __future__ import annotations

from typing import Final

import numpy as np

from shared.audio.loudness import Samples, block_samples
from shared.audio.pcm import floating, quantized
from shared.audio.segments.codecs import EncodedChunk
from shared.protocol.messages import AudioFormat


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
        pcm = quantized(samples, whole=size)
        frames = [np.repeat(pcm[at : at + size], channels).astype("<i2").tobytes() for at in range(0, len(pcm), size)]
        return EncodedChunk(frames, before=0, after=0, decoded=floating(pcm[: len(samples)]), decoded_rate=rate)


CODEC: Final = Wav()
