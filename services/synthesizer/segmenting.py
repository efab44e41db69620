"""Makes the mastered segments that a chunk's job needs, from its stored audio, and stores them. Nothing is spoken."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import anyio

from services.synthesizer import metrics
from shared.audio import chunk_audio
from shared.audio.chunk_audio import StoredChunk
from shared.audio.segments import making, segment
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
        turns: limits how many chunks are levelled and measured at a time.
        encoders: limits how many are encoded at a time.
    """

    store: Store
    gains: VoiceGains
    turns: anyio.CapacityLimiter
    encoders: anyio.CapacityLimiter

    async def complete(self, request: ChunkRequested, chunk: StoredChunk | None) -> None:
        """Make the segments that are missing.

        Args:
            request: the chunk.
            chunk: its audio, if it was made just now; then no segment of it can be there.

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
            gain = await self._voice_gain(request, chunk)
            if gain is None:
                return  # too short to learn from: the assembler makes them, when it has heard more of this voice
        keys = chunk_segments.wanted(request, codecs, gain)
        if chunk is None:
            codecs = [codec for codec in codecs if not await self.store.exists(keys[codec.format])]
            if not codecs:
                return
            chunk = await self._load(request)
        for name, data in (await self._make(request, chunk, codecs, gain)).items():
            await self.store.put(keys[name], data, content_type=segment.CONTENT_TYPE)
            metrics.SEGMENTS.labels(name).inc()

    async def _make(
        self, request: ChunkRequested, chunk: StoredChunk, codecs: Sequence[Codec], gain: float | None
    ) -> dict[AudioFormat, bytes]:
        """What `chunk_segments.encode` does, with the encoders beside other work.

        They release the interpreter's lock, the rest does not.
        """
        rate, channels = chunk.measurement.sample_rate, chunk_segments.channels_of(request)
        made: dict[AudioFormat, bytes] = {}
        with spans.span("encode segments"):
            levelled = partial(chunk_segments.master, chunk.samples, rate, request, gain)
            mastered = await in_thread(levelled, limiter=self.turns)
            for codec in codecs:
                encode = partial(codec.encode, mastered.samples, rate, channels)
                encoded = await in_thread(encode, limiter=self.encoders)
                prove = partial(making.proved, encoded, mastered, rate, codec, channels=channels)
                made[codec.format] = (await in_thread(prove, limiter=self.turns)).to_bytes()
        return made

    async def _voice_gain(self, request: ChunkRequested, chunk: StoredChunk | None) -> float | None:
        """The usual gain of the voice, learnt from this chunk if nobody has; None if it is too short for that."""
        assert request.mastering is not None  # noqa: S101 - there would be no codecs
        profile = request.mastering.loudness
        gain = await self.gains.find(request, profile)
        if gain is not None:
            return gain
        chunk = chunk or await self._load(request)
        learn = partial(chunk_segments.gain_to_learn, chunk.samples, chunk.measurement.sample_rate, request, profile)
        found = await in_thread(learn, limiter=self.turns)
        return None if found is None else await self.gains.learn(request, profile, found)

    async def _load(self, request: ChunkRequested) -> StoredChunk:
        data = await self.store.get(request.audio_key)
        return await in_thread(partial(chunk_audio.load, data), limiter=self.turns)


def encodes_at_a_time() -> int:
    """How many chunks are encoded at a time: one a processor that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
