"""Encodes PCM in the formats of OpenAI's speech route, in process: a child per answer would cost 80 ms of CPU."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

MEDIA_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "opus": "audio/ogg", "pcm": "audio/pcm"}
"""`response_format` → Content-Type. AAC is missing: libsndfile has no encoder for it."""
FIXED_RATE = {"pcm": 24_000, "opus": 24_000}
"""Hz. Raw PCM does not state its rate, so it has OpenAI's; Opus supports only a few."""
_CONTAINERS = {"mp3": ("MP3", "MPEG_LAYER_III"), "wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16")}
_OPUS = ("OGG", "OPUS")

Pcm = npt.NDArray[np.int16]


def encode(pcm: Pcm, sample_rate: int, audio_format: str) -> bytes:
    """Mono `pcm` as a complete file.

    Args:
        pcm: 16-bit samples.
        sample_rate: of `pcm`, Hz.
        audio_format: a key of `MEDIA_TYPES`.
    """
    rate = FIXED_RATE.get(audio_format, sample_rate)
    if rate != sample_rate:
        pcm = soxr.resample(pcm, sample_rate, rate)
    if audio_format == "pcm":
        return pcm.astype("<i2").tobytes()
    container, subtype = _CONTAINERS.get(audio_format, _OPUS)
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, rate, format=container, subtype=subtype)
    return buffer.getvalue()
