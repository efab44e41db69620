"""What is done to a chunk's audio: plain functions that run in a worker process. Nothing here waits for anything.

A speech server's answer is decoded, judged, trimmed and stored as FLAC; levelled, it is encoded in each format that the
chunk's job needs, and decoded again as proof. What comes in and goes out is bytes, which cross the pipe once each way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.synthesizer.audio import process
from services.synthesizer.audio_validation import decode, longest_seconds, validate
from shared.audio import chunk_audio
from shared.audio.chunk_audio import StoredChunk
from shared.audio.segments.codecs import codec_for
from shared.protocol.messages import AudioFormat, ChunkRequested
from shared.store import chunk_segments

Segments = Mapping[AudioFormat, bytes]


@dataclass(frozen=True, slots=True)
class SegmentsWanted:
    """The segments to make.

    Attributes:
        formats: those whose encoders are installed.
        gain_db: the usual gain of the chunk's voice; None in a short episode, or if nobody has learnt it yet.
    """

    formats: Sequence[AudioFormat]
    gain_db: float | None


@dataclass(frozen=True, slots=True)
class Work:
    """What was made of an answer.

    Attributes:
        data: the chunk as it is stored.
        seconds: its length.
        segments: by format; None: they need a gain that nobody has learnt.
        gain_db: the usual gain of its voice: the one that `segments` were made with, which is None in a short episode,
            or the one to learn, which is None if the chunk is too short to tell.
    """

    data: bytes
    seconds: float
    segments: Segments | None
    gain_db: float | None


def of_answer(answer: bytes, request: ChunkRequested, sample_rate: int, wanted: SegmentsWanted) -> Work:
    """The stored form of what a speech server sent, and its segments if the gain of its voice is known or not needed.

    Raises:
        BadAudio: it is not plausible as the text, or cannot be encoded.
    """
    chunk = make_chunk(answer, request.text, speed=request.speed, sample_rate=sample_rate)
    seconds = chunk.measurement.seconds
    if wanted.formats and wanted.gain_db is None and chunk_segments.needs_voice_gain(request):
        return Work(chunk.data, seconds, None, _gain(chunk, request))
    return Work(chunk.data, seconds, _segments(chunk, request, wanted), wanted.gain_db)


def segments_of(data: bytes, request: ChunkRequested, wanted: SegmentsWanted) -> Segments:
    """Segments of a stored chunk.

    Raises:
        BadAudio: the object is damaged, or its sound cannot be encoded.
    """
    return _segments(chunk_audio.load(data), request, wanted)


def gain_of(data: bytes, request: ChunkRequested) -> float | None:
    """The usual gain of a voice in dB, from a stored chunk; None if the chunk is too short to tell.

    Raises:
        BadAudio: the object is damaged.
    """
    return _gain(chunk_audio.load(data), request)


def make_chunk(answer: bytes, text: str, *, speed: float, sample_rate: int) -> StoredChunk:
    """Validate what a speech server sent and turn it into the stored form: about 10 ms for 8 s of speech.

    Raises:
        BadAudio: it is not plausible as `text`.
    """
    samples, rate = decode(answer, at_most_seconds=longest_seconds(text, speed=speed) + 1)
    validate(samples, rate, text, speed=speed)
    return chunk_audio.make(process(samples, rate, target_rate=sample_rate), sample_rate)


def load() -> None:
    """Load what the others need, so that the first chunk does not wait for it."""
    codec_for("mp3")  # the format of nearly every job; it encodes and decodes a tone


def _segments(chunk: StoredChunk, request: ChunkRequested, wanted: SegmentsWanted) -> Segments:
    if not wanted.formats:
        return {}
    codecs = [codec for name in wanted.formats if (codec := codec_for(name)) is not None]
    made = chunk_segments.encode(chunk.samples, chunk.measurement.sample_rate, request, codecs, wanted.gain_db)
    return {name: segment.to_bytes() for name, segment in made.items()}


def _gain(chunk: StoredChunk, request: ChunkRequested) -> float | None:
    assert request.mastering is not None  # noqa: S101 - nobody would ask for the gain
    rate, profile = chunk.measurement.sample_rate, request.mastering.loudness
    return chunk_segments.gain_to_learn(chunk.samples, rate, request, profile)
