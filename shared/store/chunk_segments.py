"""Which mastered segments a chunk needs, and how they are made of its stored audio.

The one place that says when a chunk is announced: its FLAC is there, and a segment in each format that `wanted` lists.
The synthesizer writes the FLAC, then the segments, then announces the chunk. The assembler makes what is missing
nevertheless: segments of a voice whose gain was not known yet, or that an older synthesizer did not make.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from shared.audio.chunk_audio import StoredChunk
from shared.audio.loudness import Samples
from shared.audio.segments import making, mastering
from shared.audio.segments.codecs import Codec, codec_for
from shared.audio.segments.mastering import Mastered
from shared.audio.segments.segment import MasteredSegment
from shared.protocol.messages import AudioFormat, ChunkRequested, LoudnessProfile
from shared.store import keys

_DIGEST_CHARACTERS: Final = 32


def codecs_of(request: ChunkRequested) -> list[Codec]:
    """The codecs of the formats that are joined from segments, in the job's order."""
    if request.mastering is None:
        return []
    return [codec for name in request.mastering.formats if (codec := codec_for(name)) is not None]


def needs_voice_gain(request: ChunkRequested) -> bool:
    """Whether its segments depend on the usual gain of its voice."""
    return request.mastering is not None and not request.mastering.is_short


def wanted(request: ChunkRequested, codecs: Sequence[Codec], voice_gain_db: float | None) -> dict[AudioFormat, str]:
    """The keys of the segments that the chunk's job needs, by format.

    Args:
        request: the chunk, with its `mastering`.
        codecs: as of `codecs_of`, or some of them.
        voice_gain_db: of its voice; None in a short episode.
    """
    if not codecs:
        return {}
    assert request.mastering is not None  # noqa: S101 - there are no codecs without
    loudness = request.mastering.loudness
    return {codec.format: key_of(request.audio_key, loudness, codec, voice_gain_db) for codec in codecs}


def key_of(audio_key: str, loudness: LoudnessProfile, codec: Codec, voice_gain_db: float | None) -> str:
    """The key of one segment.

    Args:
        audio_key: of the chunk.
        loudness: of the episode.
        codec: of the format.
        voice_gain_db: of the chunk's voice; None in a short episode.
    """
    return keys.segment(audio_key, _digest(loudness, voice_gain_db, codec.format, codec.encoder), codec.format)


@lru_cache(maxsize=1_000, typed=True)
def _digest(*decides: str | float | None) -> str:
    """Of what decides a segment's bytes, besides the chunk: the same for all chunks of a voice."""
    identity = [mastering.MASTERING_VERSION, *decides]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:_DIGEST_CHARACTERS]


def is_speech(text: str) -> bool:
    """Whether there is anything to say in a text; an ornament may be silence."""
    return any(map(str.isalnum, text))


def encode(
    chunk: StoredChunk, request: ChunkRequested, codecs: Sequence[Codec], voice_gain_db: float | None
) -> Mapping[AudioFormat, MasteredSegment]:
    """The segments of a chunk. CPU only: about 45 ms for 8 s of speech in MP3.

    Args:
        chunk: as it is stored.
        request: the chunk, with its `mastering`.
        codecs: of the formats to make.
        voice_gain_db: of its voice; None in a short episode.

    Raises:
        BadAudio: the sound cannot be encoded.
    """
    rate, channels = chunk.measurement.sample_rate, channels_of(request)
    mastered = master(chunk.samples, rate, request, voice_gain_db)
    return {
        codec.format: making.make(mastered, rate, codec, channels=channels, chunk_md5=chunk.md5) for codec in codecs
    }


def master(samples: Samples, rate: int, request: ChunkRequested, voice_gain_db: float | None) -> Mastered:
    """The sound of a chunk as it goes to the encoders."""
    assert request.mastering is not None  # noqa: S101 - there are no codecs without
    profile = request.mastering.loudness
    return mastering.master(samples, rate, profile, constant_db=voice_gain_db, is_speech=is_speech(request.text))


def channels_of(request: ChunkRequested) -> int:
    """How many channels its segments have."""
    assert request.mastering is not None  # noqa: S101 - there are no codecs without
    return mastering.CHANNELS[request.mastering.loudness]


def gain_to_learn(samples: Samples, rate: int, request: ChunkRequested, profile: LoudnessProfile) -> float | None:
    """The usual gain of a voice, from one chunk of it; None if the chunk is too short to tell."""
    if not is_speech(request.text):
        return None
    if len(samples) < mastering.LEARNING_SECONDS * rate:
        return None
    return usual_gain_db(samples, rate, profile)


def usual_gain_db(samples: Samples, rate: int, profile: LoudnessProfile) -> float:
    """The gain that a voice needs, from some seconds of it."""
    return round(mastering.own_gain_db(samples, rate, profile), 1)
