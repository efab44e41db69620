"""Sounds for segments: espeak-ng's speech, cut in the middle of words, limited as it is before encoding."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import soxr

from shared.audio.loudness import Samples, block_samples
from shared.audio.segments import making, mastering
from shared.audio.segments.codecs import Codec, codec_for
from shared.audio.segments.segment import MasteredSegment
from shared.protocol.messages import AudioFormat
from tests.unit.assembler.material import RATE, SENTENCES, spoken

RATES = (16_000, 22_050, 24_000, 44_100, 48_000)


@lru_cache
def speech(sentence: int, rate: int) -> Samples:
    """A sentence at `rate` Hz."""
    return np.asarray(soxr.resample(spoken(SENTENCES[sentence % len(SENTENCES)]), RATE, rate), dtype=np.float32)


def chunks(count: int, rate: int, *, seed: int = 1) -> list[Samples]:
    """Chunks of whole 100 ms that begin and end in the middle of words, each as loud as it happens to be."""
    random = np.random.default_rng(seed)
    block = block_samples(rate)
    made = []
    for number in range(count):
        whole = speech(number, rate)
        first = random.integers(0, len(whole) // 3)
        cut = whole[first : len(whole) - random.integers(0, len(whole) // 3)]
        limited = mastering.limit(cut, rate, float(random.uniform(-6, 9)))
        made.append(np.pad(limited, (0, -len(limited) % block)))
    return made


def codec(name: AudioFormat) -> Codec:
    """The codec; its library is among the tools of the test set-up."""
    found = codec_for(name)
    assert found is not None
    return found


def mp3() -> Codec:
    return codec("mp3")


def segments(made: Sequence[Samples], rate: int, codec: Codec, *, channels: int = 1) -> list[MasteredSegment]:
    """The chunks encoded, one by one."""
    return [making.make(mastering.Mastered(each, 0.0), rate, codec, channels=channels) for each in made]
