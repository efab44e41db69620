"""Makes the mastered segments that a chunk's job needs, from its stored audio, and stores them. Nothing is spoken."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

import anyio

from services.synthesizer import metrics
from shared.audio.segments import segment
from shared.audio.segments.codecs import Codec
from shared.deadlines import in_thread
from shared.protocol.messages import AudioFormat, ChunkRequested
from shared.store import chunk_segments
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains
from shared.tracing import spans


@dataclass(frozen=True, slots=True)
class Segmenting:
    """What it needs.

    Attributes:
        store: where audio, segments and the gains of voices are.
        gains: of voices.
        turns: limits how many chunks are encoded at a time.
    """

    store: Store
    gains: VoiceGains
    turns: anyio.CapacityLimiter

    async def complete(self, request: ChunkRequested, audio: bytes | None) -> None:
        """Make the segments that are missing.

        Args:
            request: the chunk.
            audio: its stored form, if it was made just now; then no segment of it can be there.

        Raises:
            BadAudio: its audio cannot be encoded.
            NotFound: its audio has been removed meanwhile.
            StoreDown: the store does not answer.
        """
        codecs = chunk_segments.codecs_of(request)
        if not codecs:
            return
        gain = None
        if chunk_segments.needs_voice_gain(request):
            gain = await self._voice_gain(request, audio)
            if gain is None:
                return  # too short to learn from: the assembler makes them, when it has heard more of this voice
        keys = chunk_segments.wanted(request, codecs, gain)
        if audio is None:
            codecs = [codec for codec in codecs if not await self.store.exists(keys[codec.format])]
            if not codecs:
                return
            audio = await self.store.get(request.audio_key)
        with spans.span("encode segments"):
            made = await in_thread(partial(_stored_forms, audio, request, codecs, gain), limiter=self.turns)
        for name, data in made.items():
            await self.store.put(keys[name], data, content_type=segment.CONTENT_TYPE)
        for name in made:
            metrics.SEGMENTS.labels(name).inc()

    async def _voice_gain(self, request: ChunkRequested, audio: bytes | None) -> float | None:
        """The usual gain of the voice, learnt from this chunk if nobody has; None if it is too short for that."""
        assert request.mastering is not None  # noqa: S101 - there would be no codecs
        profile = request.mastering.loudness
        gain = await self.gains.find(request, profile)
        if gain is not None:
            return gain
        data = audio or await self.store.get(request.audio_key)
        found = await in_thread(partial(chunk_segments.gain_to_learn, data, request, profile), limiter=self.turns)
        return None if found is None else await self.gains.learn(request, profile, found)


def encodes_at_a_time() -> int:
    """How many chunks are encoded at a time: one a processor that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _stored_forms(
    audio: bytes, request: ChunkRequested, codecs: list[Codec], gain: float | None
) -> dict[AudioFormat, bytes]:
    return {name: each.to_bytes() for name, each in chunk_segments.make(audio, request, codecs, gain).items()}
