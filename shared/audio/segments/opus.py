"""Opus segments: packets of 20 ms. See docs/adr/0032-segments-of-other-formats.md.

Unconstrained VBR, as ffmpeg has it by default, in CELT mode, which 40 kbit/s imply: a packet depends on the few packets
before it, and a silent packet resets what a decoder predicts from. Two packets of silence on each side of a chunk are
part of the episode.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import soxr

from shared.audio.loudness import Samples
from shared.audio.segments import libopus
from shared.audio.segments.codecs import EncodedChunk
from shared.protocol.messages import AudioFormat

CONTEXT_PACKETS: Final = 2
BITRATES: Final = {1: 40_000, 2: 56_000}
"""By number of channels. A target: dense speech takes half as much again, pauses next to nothing."""
COMPLEXITY: Final = 5
"""As ffmpeg is told for whole episodes. From 7 on, libopus also detects music, by what came before."""
RATES: Final = {16_000: 16_000, 22_050: 24_000, 24_000: 24_000, 44_100: 48_000, 48_000: 48_000}
"""A chunk's rate and the one at which it is encoded: Opus knows neither 22.05 nor 44.1 kHz."""


class Opus:
    """libopus."""

    format: AudioFormat = "opus"

    @property
    def encoder(self) -> str:
        """Raises EncoderMissing if libopus is not installed."""
        rates = "/".join(str(bitrate // 1_000) for bitrate in BITRATES.values())
        return f"{libopus.load().version} vbr {rates} {CONTEXT_PACKETS}+{CONTEXT_PACKETS}"

    def frame_samples(self, rate: int) -> int:
        """Samples in 20 ms."""
        return rate // libopus.PACKETS_A_SECOND

    def encode(self, samples: Samples, rate: int, channels: int) -> EncodedChunk:
        """See `Codec.encode`."""
        target = RATES[rate]
        if target != rate:
            samples = np.asarray(soxr.resample(samples, rate, target, quality="HQ"), dtype=np.float32)
        size = target // libopus.PACKETS_A_SECOND
        first = CONTEXT_PACKETS * size
        pcm = np.zeros(first - (-len(samples) // size - CONTEXT_PACKETS) * size, dtype=np.float32)
        pcm[first : first + len(samples)] = samples
        settings = {
            libopus.SET_BITRATE: BITRATES[channels],
            libopus.SET_VBR: 1,
            libopus.SET_VBR_CONSTRAINT: 0,  # its reservoir would depend on all packets before
            libopus.SET_COMPLEXITY: COMPLEXITY,
        }
        packets, delay = libopus.encode(np.tile(pcm[:, None], (1, channels)), target, settings)
        decoded = libopus.decode(packets, target, channels)[:, 0]
        return EncodedChunk(
            frames=packets,
            before=CONTEXT_PACKETS,
            after=CONTEXT_PACKETS,
            decoded=decoded[delay + first :][: len(samples)],
            decoded_rate=target,
        )


CODEC: Final = Opus()
