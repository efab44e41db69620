"""The port of the encoders that make segments, and which format has which."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol

import numpy as np
import structlog

from shared.audio.loudness import Samples
from shared.errors import BadAudio, Misconfigured
from shared.protocol.messages import AudioFormat

log = structlog.get_logger(__name__)

_CODECS: Final[dict[AudioFormat, str]] = {
    "mp3": "shared.audio.segments.mp3",
    "m4b": "shared.audio.segments.aac",
    "opus": "shared.audio.segments.opus",
    "flac": "shared.audio.segments.flac",
    "wav": "shared.audio.segments.wav",
}
"""Format → the module with its `CODEC`. A format that is not here is encoded as a whole by the assembler."""

_TONE_RATE: Final = 24_000
_TONE: Final[Samples] = (0.1 * np.sin(np.arange(7_200) / 10)).astype(np.float32)
"""A tone of 0.3 s; an encoder that cannot encode it would fail on every chunk."""


class EncoderMissing(Misconfigured):
    """The library that encodes a format is not installed."""


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """What a codec makes of a chunk.

    Attributes:
        frames: one bytes object a frame, silent context included, the codec's delay removed.
        before: context frames at the beginning.
        after: context frames at the end.
        decoded: the frames decoded again: one of the equal channels, from the chunk's first sample on, as long as it.
        decoded_rate: of `decoded`, Hz.
        crc: see `Head.crc`.
    """

    frames: Sequence[bytes]
    before: int
    after: int
    decoded: Samples
    decoded_rate: int
    crc: int = 0


class Codec(Protocol):
    """An encoder of one format, in this process. It keeps no state and is called in several threads at a time.

    Attributes:
        format: what it encodes.
        encoder: names the codec, its settings and the version of its library: whatever decides the bytes. It is part of
            a segment's key.
    """

    @property
    def format(self) -> AudioFormat:
        """Raises nothing."""

    @property
    def encoder(self) -> str:
        """Raises EncoderMissing if its library is not installed."""

    def frame_samples(self, rate: int) -> int:
        """Samples in a frame, of a chunk at `rate` Hz: the grid on which chunks are placed."""

    def encode(self, samples: Samples, rate: int, channels: int) -> EncodedChunk:
        """Encode mastered mono `samples`, a whole number of 100 ms blocks, as one channel or two equal ones.

        The chunk begins with a frame; its last frame is filled with silence. Before and after it are as many silent
        frames as the codec needs to make the same frames as in one long encode.

        Raises:
            BadAudio: this sound cannot be encoded.
            EncoderMissing: the library is not installed.
        """


def codec_for(name: AudioFormat) -> Codec | None:
    """The codec of a format; None if there is none, or its library is missing, so that ffmpeg encodes the whole."""
    module = _CODECS.get(name)
    return None if module is None else _loaded(module)


@cache
def _loaded(module: str) -> Codec | None:
    codec: Codec = importlib.import_module(module).CODEC
    try:
        codec.encoder  # noqa: B018 - asks the library for its version
        codec.encode(_TONE, _TONE_RATE, 1)
    except EncoderMissing as error:
        log.warning("encoder missing", reason=str(error))
        return None
    except (AttributeError, BadAudio) as error:  # no such function, or no such option: a library built in another way
        log.warning("encoder missing", reason=f"The library for {codec.format} cannot be used: {error}")
        return None
    return codec
