"""`chunk.requested` in, `chunk.synthesized` out: competing consumers, idempotent receiver.

Audio that is already stored is only announced; new audio is stored, then announced; the ack comes last.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from services.synthesizer import metrics
from services.synthesizer.segmenting import Segmenting
from services.synthesizer.speech import Spoken
from shared.audio import chunk_audio
from shared.errors import BadAudio, Conflict, NotFound
from shared.protocol.messages import TRIES_LIMIT, ChunkRequested, ChunkSynthesized
from shared.runtime import slots
from shared.runtime.attempts import tries
from shared.settings import Settings
from shared.store.port import Store

log = structlog.get_logger(__name__)


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
    segmenting: Segmenting,
) -> None:
    """Make sure that the chunk's audio and the segments that its job needs are in the store, and announce it.

    The audio is written first, so that it can be heard and nothing is spoken twice; then the segments; the announcement
    comes last.

    Args:
        request: the chunk.
        store: where its audio goes.
        speech: has it spoken.
        settings: of the service.
        publish: announces the audio.
        segmenting: has its audio worked on, and the segments made.

    Raises:
        BadAudio: two answers in a row were unusable.
        PodcastError: whatever speech, store or broker raises.
    """
    started = time.monotonic()
    sample_rate = request.sample_rate or settings.sample_rate
    seconds = await _reused(request, store=store, sample_rate=sample_rate, segmenting=segmenting)
    reused = seconds is not None
    if seconds is None:
        seconds, endpoint = await _spoken(
            request, store=store, speech=speech, sample_rate=sample_rate, segmenting=segmenting
        )
        metrics.AUDIO_SECONDS.labels(endpoint).inc(seconds)
        metrics.CHARACTERS.labels(endpoint).inc(len(request.text))
    metrics.CHUNKS.labels("stored" if reused else "spoken").inc()
    await publish(
        ChunkSynthesized(
            job_id=request.job_id,
            index=request.index,
            audio_key=request.audio_key,
            audio_seconds=seconds,
            reused=reused,
            seconds=time.monotonic() - started,
            tries=min(tries(), TRIES_LIMIT),
        )
    )


async def _reused(request: ChunkRequested, *, store: Store, sample_rate: int, segmenting: Segmenting) -> float | None:
    """The length of the audio that is stored, with all of its segments; None if it must be spoken, or spoken anew.

    It must be spoken anew if it is damaged or cannot be encoded, or has another rate than its key says, which no
    assembler would accept.
    """
    try:
        start = await store.get_range(request.audio_key, 0, chunk_audio.HEADER_BYTES)
    except NotFound:
        return None
    try:
        found = chunk_audio.read_measurement(start)
        if found.sample_rate != sample_rate:
            return None
        slots.free()
        await segmenting.complete(request, md5=chunk_audio.read_md5(start))
    except (BadAudio, NotFound) as error:  # NotFound: it was removed meanwhile
        log.warning("stored chunk damaged", key=request.audio_key, reason=error.message)
        return None
    return found.seconds


async def _spoken(
    request: ChunkRequested, *, store: Store, speech: Speech, sample_rate: int, segmenting: Segmenting
) -> tuple[float, str]:
    """The length of what was spoken and stored, with its segments, and who spoke it.

    An unusable answer is retried once, immediately, and elsewhere if possible.
    """
    answered_by: str | None = None
    for last in (False, True):
        spoken: Spoken | None = None
        try:
            await slots.take()  # in the second round it may have been freed
            spoken = await speech.speak(
                request.text, voice=request.voice, model=request.model, speed=request.speed, avoid=answered_by
            )
            answered_by = spoken.endpoint
            data, seconds = await segmenting.workers.of_answer(spoken.audio, request, sample_rate)
            if not await _create(request, data, store=store):
                stored = await _reused(request, store=store, sample_rate=sample_rate, segmenting=segmenting)
                if stored is not None:
                    return stored, spoken.endpoint
                await store.put(request.audio_key, data, content_type=chunk_audio.CONTENT_TYPE)
            await _encode(request, data, store=store, segmenting=segmenting)
        except BadAudio as error:
            if spoken is not None:
                metrics.BAD_AUDIO.labels(spoken.endpoint).inc()
            if last:
                raise
            log.warning("bad audio", endpoint=answered_by, reason=error.message)
        else:
            return seconds, spoken.endpoint
    raise AssertionError  # the second round returns or raises


async def _create(request: ChunkRequested, data: bytes, *, store: Store) -> bool:
    """Store new audio; False if there is some already, which is left as it is.

    Another synthesizer may have spoken the same text for another job in the meantime. Its audio may be in use by now,
    and an engine may say the same text differently the next time.
    """
    try:
        await store.create(request.audio_key, data, content_type=chunk_audio.CONTENT_TYPE)
    except Conflict:
        return False
    return True


async def _encode(request: ChunkRequested, data: bytes, *, store: Store, segmenting: Segmenting) -> None:
    """Store the segments of new audio. If it cannot be encoded, it is removed: what is there counts as spoken."""
    slots.free()  # another chunk can be spoken while this one is encoded
    try:
        await segmenting.complete(request, data)
    except BadAudio:
        await store.delete(request.audio_key)
        raise
