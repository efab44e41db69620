"""AAC segments for m4b: AAC-LC of constant quality. See docs/adr/0032-segments-of-other-formats.md.

By bit rate, what a frame gets depends on all frames before it. At constant quality it depends on the last few alone,
and those are silence: two frames on each side of a chunk, which are part of the episode.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from shared.audio.loudness import Samples
from shared.audio.segments import aac_frames, libav
from shared.audio.segments.aac_frames import FRAME_SAMPLES
from shared.audio.segments.codecs import EncodedChunk
from shared.protocol.messages import AudioFormat

CONTEXT_FRAMES: Final = 2
DELAY_FRAMES: Final = 1
"""The encoder's first frame covers what was before the first sample; the decoder answers it with as many samples."""
QUALITY: Final = 142
"""About 70 kbit/s while somebody speaks in mono, at any rate, and 75 in stereo with equal channels; docs/benchmarks.md
compares its noise with that of ffmpeg's encodes by bit rate."""
OPTIONS: Final = {
    "flags": "+qscale+bitexact",  # a quality in place of a rate; no version inside the frames
    "global_quality": str(QUALITY),
    "aac_coder": "fast",  # the default one takes 5 times as long for speech that measures the same
    "aac_pns": "0",  # noise substitution draws random numbers one after another
}


def frames_of(samples: int) -> int:
    """How many frames the segment of a chunk has, its context included."""
    return 2 * CONTEXT_FRAMES - (-samples // FRAME_SAMPLES)


class Aac:
    """The encoder of libavcodec."""

    format: AudioFormat = "m4b"

    @property
    def encoder(self) -> str:
        """Raises EncoderMissing if libavcodec is not installed."""
        return f"libavcodec {libav.load().version} aac fast q{QUALITY} {CONTEXT_FRAMES}+{CONTEXT_FRAMES}"

    def frame_samples(self, rate: int) -> int:  # noqa: ARG002 - the same at any rate
        """Samples in a frame."""
        return FRAME_SAMPLES

    def encode(self, samples: Samples, rate: int, channels: int) -> EncodedChunk:
        """See `Codec.encode`."""
        frames = _encoded(samples, rate, channels)
        decoded = aac_frames.decode(frames, rate, channels)[0]
        first = (CONTEXT_FRAMES + DELAY_FRAMES) * FRAME_SAMPLES
        return _chunk(frames, decoded[first : first + len(samples)], rate)

    def encode_alone(self, samples: Samples, rate: int, channels: int) -> EncodedChunk:
        """The same without decoding it again, for somebody who waits to hear it."""
        return _chunk(_encoded(samples, rate, channels), np.zeros(0, dtype=np.float32), rate)


def _chunk(frames: list[bytes], decoded: Samples, rate: int) -> EncodedChunk:
    return EncodedChunk(frames[DELAY_FRAMES:], CONTEXT_FRAMES, CONTEXT_FRAMES, decoded, rate)


def _encoded(samples: Samples, rate: int, channels: int) -> list[bytes]:
    """The frames of a chunk with its context, and before them the encoder's delay."""
    first = CONTEXT_FRAMES * FRAME_SAMPLES
    pcm = np.zeros(first - (-len(samples) // FRAME_SAMPLES - CONTEXT_FRAMES) * FRAME_SAMPLES, dtype=np.float32)
    pcm[first : first + len(samples)] = samples
    return aac_frames.encode(np.tile(pcm, (channels, 1)), rate, OPTIONS)


CODEC: Final = Aac()
