"""MP3 segments: LAME in VBR mode, without history, its frames packed. See docs/adr/0027-mastered-segments.md."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

import numpy as np
import soundfile

from shared.audio.loudness import Samples
from shared.audio.segments import lame, mp3_frames, mp3_packing
from shared.audio.segments.codecs import EncodedChunk
from shared.audio.segments.crc16 import crc16
from shared.errors import BadAudio
from shared.protocol.messages import AudioFormat

BEFORE: Final = 3
AFTER: Final = 2
"""Frames of silence on each side. With two before, the frame before each chunk differs from that of a long encode."""
DELAY_FRAMES: Final = 2
"""The encoder's first frames hold nothing yet: what goes in as frame n comes out as frame n + 2."""
ENCODER_DELAY_SAMPLES: Final = 576
DECODER_DELAY_SAMPLES: Final = 529
"""Together they are how much later a sample comes out of the decoder than it went into the encoder."""


class Mp3:
    """LAME, VBR quality 4, packed."""

    format: AudioFormat = "mp3"

    @property
    def encoder(self) -> str:
        """Raises EncoderMissing if libmp3lame is not installed."""
        return f"lame {lame.version()} vbr {lame.QUALITY:g} packed {BEFORE}+{AFTER}"

    def frame_samples(self, rate: int) -> int:
        """Samples in a frame."""
        return mp3_frames.frame_samples(rate)

    def encode(self, samples: Samples, rate: int, channels: int) -> EncodedChunk:
        """See `Codec.encode`."""
        frame = self.frame_samples(rate)
        count = BEFORE - (-len(samples) // frame) + AFTER
        padded = np.zeros((count + DELAY_FRAMES) * frame + _look_ahead(rate), dtype=np.float32)
        padded[BEFORE * frame :][: len(samples)] = samples
        stream = lame.encode(padded, rate, channels)
        sizes = mp3_frames.sizes(stream, rate, channels)
        if len(sizes) < DELAY_FRAMES + count:
            raise BadAudio(f"LAME made {len(sizes)} frames of {DELAY_FRAMES + count}.")
        edges = np.cumsum([0, *sizes])
        first, last = DELAY_FRAMES, DELAY_FRAMES + count
        frames = mp3_packing.packed(stream[edges[first] : edges[last]], sizes[first:last], rate, channels)
        payload = b"".join(frames)
        begins = (BEFORE - DELAY_FRAMES) * frame + ENCODER_DELAY_SAMPLES + DECODER_DELAY_SAMPLES
        decoded = _decode(payload, begins + len(samples))[begins:]
        return EncodedChunk(frames, BEFORE, AFTER, decoded, rate, crc16(payload))


def _look_ahead(rate: int) -> int:
    """How much silence has to follow before the encoder puts out the last frame."""
    return 2 * mp3_frames.frame_samples(rate)


def _decode(payload: bytes, count: int) -> Samples:
    """The first samples of one channel, delays included; silence where there are not as many."""
    try:
        with soundfile.SoundFile(io.BytesIO(payload)) as file:
            # libsndfile guesses how many there are from the size of the first frame; that is silent, so too many.
            samples = file.read(count, dtype="float32", always_2d=True, fill_value=0.0)
    except soundfile.LibsndfileError as error:
        raise BadAudio("The encoded MP3 cannot be decoded.") from error
    return np.ascontiguousarray(samples[:, 0])


@lru_cache(maxsize=16)
def silence(rate: int, channels: int) -> bytes:
    """A frame of silence, as the encoder makes it long after anything else.

    Raises:
        EncoderMissing: libmp3lame is not installed.
    """
    stream = lame.encode(np.zeros(16 * mp3_frames.frame_samples(rate), dtype=np.float32), rate, channels)
    sizes = mp3_frames.sizes(stream, rate, channels)
    start = sum(sizes[:8])
    return stream[start : start + sizes[8]]


@lru_cache(maxsize=16)
def priming(rate: int, channels: int) -> bytes:
    """The encoder's first frames, which come before the first frame of the episode."""
    stream = lame.encode(np.zeros(16 * mp3_frames.frame_samples(rate), dtype=np.float32), rate, channels)
    return stream[: sum(mp3_frames.sizes(stream, rate, channels)[:DELAY_FRAMES])]


CODEC: Final = Mp3()
