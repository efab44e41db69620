"""How a chunk's audio is prepared: resampled, silence trimmed off its edges, edges faded.

pydub does the edges, at chunk level and on PCM in memory (no child process). Raise `PROCESSING_VERSION` in
shared/protocol/manifest.py when a number here changes: the audio keys then change and chunks are synthesized again.
"""

from __future__ import annotations

import numpy as np
import soxr
from pydub import AudioSegment
from pydub.silence import detect_leading_silence

from shared.audio.loudness import Samples
from shared.audio.pcm import SAMPLE_BYTES, floating, quantized

TRIM_BELOW_PEAK_DB = 48.0
"""Edges this far below the loudest sample are silence: breath and room noise count, an f or an h does not."""
TRIM_STEP_MS = 5
KEEP_BEFORE_MS = 40
"""Left before the first sound, so that a soft onset is not cut."""
KEEP_AFTER_MS = 60
"""Left after the last sound, so that it can die away."""
FADE_IN_MS = 8
FADE_OUT_MS = 15
"""Shorter than the margin: speech itself is not faded, a click at the very edge is."""


def process(samples: Samples, rate: int, *, target_rate: int) -> Samples:
    """The audio of a chunk as it is stored, except for the padding to the 100 ms grid (`chunk_audio.encode`).

    Args:
        samples: mono, full scale is [-1, 1]; louder audio is scaled down to it.
        rate: of `samples`, Hz.
        target_rate: of the result, Hz.
    """
    if rate != target_rate:
        samples = soxr.resample(samples, rate, target_rate, quality="HQ")
    if len(samples) == 0:
        return np.zeros(1, dtype=np.float32)
    samples = samples / max(1.0, float(np.abs(samples).max()))
    return _samples(fade(trim(_segment(samples, target_rate))))


def trim(segment: AudioSegment) -> AudioSegment:
    """`segment` without the silence at its edges, except for a margin; unchanged if it is all silence."""
    threshold = segment.max_dBFS - TRIM_BELOW_PEAK_DB
    start = detect_leading_silence(segment, threshold, TRIM_STEP_MS)
    if start >= len(segment):
        return segment
    end = len(segment) - detect_leading_silence(segment.reverse(), threshold, TRIM_STEP_MS)
    return segment[max(0, start - KEEP_BEFORE_MS) : end + KEEP_AFTER_MS]


def fade(segment: AudioSegment) -> AudioSegment:
    """`segment` faded in and out."""
    return segment.fade_in(min(FADE_IN_MS, len(segment))).fade_out(min(FADE_OUT_MS, len(segment)))


def _segment(samples: Samples, rate: int) -> AudioSegment:
    return AudioSegment(quantized(samples).tobytes(), frame_rate=rate, sample_width=SAMPLE_BYTES, channels=1)


def _samples(segment: AudioSegment) -> Samples:
    return floating(np.frombuffer(segment.raw_data, dtype=np.int16))
