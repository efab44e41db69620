"""`chunk.requested` in, `chunk.synthesized` out: competing consumers, idempotent receiver.

Audio that is already stored is only announced; new audio is stored, then announced; the ack comes last.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import anyio
import structlog

from services.synthesizer import metrics
from services.synthesizer.audio import process
from services.synthesizer.audio_validation import decode, longest_seconds, validate
from services.synthesizer.segmenting import Segmenting
from services.synthesizer.speech import Spoken
from shared.audio import chunk_audio
from shared.audio.chunk_audio import Measurement, StoredChunk
from shared.deadlines import in_thread
from shared.errors import BadAudio, NotFound
from shared.protocol.messages import TRIES_LIMIT, ChunkRequested, ChunkSynthesized
from shared.runtime.attempts import tries
from shared.settings import Settings
from shared.store.port import Store
from shared.tracing import spans

log = structlog.get_logger(__name__)

AUDIO_AT_A_TIME = 1
"""Chunks whose audio one process judges and trims concurrently. They share caches and the interpreter's lock, so
several at a time cost up to a third more each. Encoders release the lock, so they run on all processors."""


class Speech(Protocol):
    """What speaks: `SpeechPool`."""

    async def speak(self, text: str, *, voice: str, model: str, speed: float, avoid: str | None = None) -> Spoken:
        """Have `text` spoken."""


async def speak_chunk(
    request: ChunkRequested,
    *,
    store: Store,
    speech: Speech,
    settings: Settings,
    publish: Callable[[ChunkSynthesized], Awaitable[None]],
    turns: anyio.CapacityLimiter,
    segmenting: Segmenting,
) -> None:
    """Make sure that the chunk's audio and the segments that its job needs are in the store, and announce it.

    The audio is written first, so that nothing is spoken twice; then the segments; the announcement comes last.

    Args:
        request: the chunk.
        store: where its audio goes.
        speech: has it spoken.
        settings: of the service.
        publish: announces the audio.
        turns: limits concurrent work on audio to `AUDIO_AT_A_TIME`.
        segmenting: makes the segments.

    Raises:
        BadAudio: two answers in a row were unusable.
        PodcastError: whatever speech, store or broker raises.
    """
    started = time.monotonic()
    sample_rate = request.sample_rate or settings.sample_rate
    measurement = await _stored(store, request.audio_key, sample_rate)
    if measurement is not None and not await _completed(request, segmenting):
        measurement = None
    reused = measurement is not None
    if measurement is None:
        chunk, endpoint = await _spoken(request, speech=speech, sample_rate=sample_rate, turns=turns)
        measurement = chunk.measurement
        metrics.AUDIO_SECONDS.labels(endpoint).inc(measurement.seconds)
        metrics.CHARACTERS.labels(endpoint).inc(len(request.text))
        await store.put(request.audio_key, chunk.data, content_type=chunk_audio.CONTENT_TYPE)
        await segmenting.complete(request, chunk)
    metrics.CHUNKS.labels("stored" if reused else "spoken").inc()
    await publish(
        ChunkSynthesized(
            job_id=request.job_id,
            index=request.index,
            audio_key=request.audio_key,
            audio_seconds=measurement.seconds,
            reused=reused,
            seconds=time.monotonic() - started,
            tries=min(tries(), TRIES_LIMIT),
        )
    )


async def _stored(store: Store, key: str, sample_rate: int) -> Measurement | None:
    """The measurement of the audio under `key`; None if there is none, or if it must be synthesized again.

    The latter if it is damaged, or has a different rate than its key says, which no assembler would accept.
    """
    try:
        found = chunk_audio.read_measurement(await store.get_range(key, 0, chunk_audio.HEADER_BYTES))
    except NotFound:
        return None
    except BadAudio as error:
        log.warning("stored chunk damaged", key=key, reason=error.message)
        return None
    return found if found.sample_rate == sample_rate else None


async def _completed(request: ChunkRequested, segmenting: Segmenting) -> bool:
    """Make what is missing of stored audio; False if it is unusable, or gone meanwhile: then it is spoken anew.

    `_stored` reads no more than its header.
    """
    try:
        await segmenting.complete(request, None)
    except (BadAudio, NotFound) as error:
        log.warning("stored chunk damaged", key=request.audio_key, reason=error.message)
        return False
    return True


async def _spoken(
    request: ChunkRequested, *, speech: Speech, sample_rate: int, turns: anyio.CapacityLimiter
) -> tuple[StoredChunk, str]:
    """The chunk, and who spoke it.

    An unusable answer is retried once, immediately, and elsewhere if possible.
    """
    answered_by: str | None = None
    for last in (False, True):
        spoken: Spoken | None = None
        try:
            spoken = await speech.speak(
                request.text, voice=request.voice, model=request.model, speed=request.speed, avoid=answered_by
            )
            answered_by = spoken.endpoint
            with spans.span("process audio"):
                chunk = await in_thread(
                    partial(make_chunk, spoken.audio, request.text, speed=request.speed, sample_rate=sample_rate),
                    limiter=turns,
                )
        except BadAudio as error:
            if spoken is not None:
                metrics.BAD_AUDIO.labels(spoken.endpoint).inc()
            if last:
                raise
            log.warning("bad audio", endpoint=answered_by, reason=error.message)
        else:
            return chunk, spoken.endpoint
    raise AssertionError  # the second round returns or raises


def make_chunk(answer: bytes, text: str, *, speed: float, sample_rate: int) -> StoredChunk:
    """Validate what a speech server sent and turn it into the stored form. CPU only: about 10 ms for 8 s of speech.

    Raises:
        BadAudio: it is not plausible as `text`.
    """
    samples, rate = decode(answer, at_most_seconds=longest_seconds(text, speed=speed) + 1)
    validate(samples, rate, text, speed=speed)
    return chunk_audio.make(process(samples, rate, target_rate=sample_rate), sample_rate)
