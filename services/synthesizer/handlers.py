"""`chunk.requested` in, `chunk.synthesized` out: competing consumers, idempotent receiver.

Audio that is already stored is only announced; new audio is stored, then announced; the ack comes last.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from services.synthesizer import metrics
from services.synthesizer.chunk_work import Work
from services.synthesizer.segmenting import Segmenting
from services.synthesizer.speech import Spoken
from shared.audio import chunk_audio
from shared.errors import BadAudio, NotFound
from shared.protocol.messages import TRIES_LIMIT, ChunkRequested, ChunkSynthesized
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

    The audio is written first, so that nothing is spoken twice; then the segments; the announcement comes last.

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
    seconds = await _stored_seconds(store, request.audio_key, sample_rate)
    if seconds is not None and not await _completed(request, segmenting):
        seconds = None
    reused = seconds is not None
    if seconds is None:
        work, endpoint = await _spoken(request, speech=speech, sample_rate=sample_rate, segmenting=segmenting)
        seconds = work.seconds
        metrics.AUDIO_SECONDS.labels(endpoint).inc(seconds)
        metrics.CHARACTERS.labels(endpoint).inc(len(request.text))
        await store.put(request.audio_key, work.data, content_type=chunk_audio.CONTENT_TYPE)
        await segmenting.complete(request, work)
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


async def _stored_seconds(store: Store, key: str, sample_rate: int) -> float | None:
    """The length of the audio under `key`; None if there is none, or if it must be synthesized again.

    The latter if it is damaged, or has a different rate than its key says, which no assembler would accept.
    """
    try:
        found = chunk_audio.read_measurement(await store.get_range(key, 0, chunk_audio.HEADER_BYTES))
    except NotFound:
        return None
    except BadAudio as error:
        log.warning("stored chunk damaged", key=key, reason=error.message)
        return None
    return found.seconds if found.sample_rate == sample_rate else None


async def _completed(request: ChunkRequested, segmenting: Segmenting) -> bool:
    """Make what is missing of stored audio; False if it is unusable, or gone meanwhile: then it is spoken anew.

    `_stored_seconds` reads no more than its header.
    """
    try:
        await segmenting.complete(request, None)
    except (BadAudio, NotFound) as error:
        log.warning("stored chunk damaged", key=request.audio_key, reason=error.message)
        return False
    return True


async def _spoken(
    request: ChunkRequested, *, speech: Speech, sample_rate: int, segmenting: Segmenting
) -> tuple[Work, str]:
    """What was made of the speech, and who spoke it.

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
            wanted = segmenting.wanted(request)
            work = await segmenting.workers.of_answer(spoken.audio, request, sample_rate, wanted)
        except BadAudio as error:
            if spoken is not None:
                metrics.BAD_AUDIO.labels(spoken.endpoint).inc()
            if last:
                raise
            log.warning("bad audio", endpoint=answered_by, reason=error.message)
        else:
            return work, spoken.endpoint
    raise AssertionError  # the second round returns or raises
