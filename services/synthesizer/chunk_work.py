"""What is done to a chunk's audio: plain functions that run in a worker process. Nothing here waits for anything.

A speech server's answer is decoded, judged, trimmed and made into the FLAC that is stored. In a second call, that is
levelled and encoded in each format that the chunk's job needs, and decoded again as proof. Each call may run in another
worker: reading the FLAC again takes 2 ms for 8 s of speech.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.synthesizer.audio import process
from services.synthesizer.audio_validation import decode, longest_seconds, validate
from shared.audio import chunk_audio
from shared.audio.chunk_audio import StoredChunk
from shared.audio.segments.codecs import codec_for
from shared.protocol.messages import AudioFormat, ChunkRequested
from shared.store import chunk_segments

Segments = Mapping[AudioFormat, bytes]


def of_answer(answer: bytes, request: ChunkRequested, sample_rate: int) -> tuple[bytes, float]:
    """The stored form of what a speech server sent, and its length in seconds.

    Raises:
        BadAudio: it is not plausible as the text.
    """
    chunk = make_chunk(answer, request.text, speed=request.speed, sample_rate=sample_rate)
    return chunk.data, chunk.measurement.seconds


def segments_of(
    data: bytes, request: ChunkRequested, formats: Sequence[AudioFormat], gain_db: float | None
) -> Segments:
    """Segments of a stored chunk.

    Args:
        data: the chunk.
        request: it, with its `mastering`.
        formats: those whose encoders are installed.
        gain_db: the usual gain of the chunk's voice; None in a short episode.

    Raises:
        BadAudio: the object is damaged, or its sound cannot be encoded.
    """
    chunk = chunk_audio.load(data)
    codecs = [codec for name in formats if (codec := codec_for(name)) is not None]
    made = chunk_segments.encode(chunk, request, codecs, gain_db)
    return {name: segment.to_bytes() for name, segment in made.items()}


def gain_of(data: bytes, request: ChunkRequested) -> float | None:
    """The usual gain of a voice in dB, from a stored chunk; None if the chunk is too short to tell.

    Raises:
        BadAudio: the object is damaged.
    """
    assert request.mastering is not None  # noqa: S101 - nobody would ask for the gain
    chunk, profile = chunk_audio.load(data), request.mastering.loudness
    return chunk_segments.gain_to_learn(chunk.samples, chunk.measurement.sample_rate, request, profile)


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
