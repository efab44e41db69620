"""FLAC segments: frames of a fixed number of samples, which the joiner numbers. libsndfile encodes.

libsndfile does not let the length of a frame be set, but makes none longer than what it is given: so each frame is made
as a file of its own, of which only the frame is kept. 8 s of speech take 9 ms instead of 2, and the frames are smaller.
"""

from __future__ import annotations

from typing import Final

import soundfile

from shared.audio.loudness import Samples, block_samples
from shared.audio.pcm import floating, quantized
from shared.audio.segments import flac_frames
from shared.audio.segments.codecs import EncodedChunk
from shared.protocol.messages import AudioFormat

FRAME_LIMIT_SAMPLES: Final = 4_096
"""More than libsndfile puts into a frame; players of the format's subset take 4,608."""


class Flac:
    """See `Codec`."""

    format: AudioFormat = "flac"
    encoder = f"flac s16 {soundfile.__libsndfile_version__}"

    def frame_samples(self, rate: int) -> int:
        """Samples in 100 ms, or in 50 ms where those are too many for a frame."""
        block = block_samples(rate)
        return block if block <= FRAME_LIMIT_SAMPLES else block // 2

    def encode(self, samples: Samples, rate: int, channels: int) -> EncodedChunk:
        """See `Codec.encode`."""
        size = self.frame_samples(rate)
        pcm = quantized(samples, whole=size)
        frames = [flac_frames.encode_block(pcm[at : at + size], rate, channels) for at in range(0, len(pcm), size)]
        decoded = flac_frames.decode(frames, rate, channels, size)[: len(samples), 0]
        return EncodedChunk(frames, before=0, after=0, decoded=floating(decoded), decoded_rate=rate)


CODEC: Final = Flac()
