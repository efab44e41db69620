"""Stores the mastered segments that a chunk's job needs, and has those made that are missing. Nothing is spoken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.synthesizer import metrics
from services.synthesizer.audio_workers import AudioWorkers
from services.synthesizer.chunk_work import Segments, SegmentsWanted, Work
from shared.audio.segments import segment
from shared.audio.segments.codecs import Codec
from shared.protocol.messages import AudioFormat, ChunkRequested, LoudnessProfile
from shared.store import chunk_segments
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains


@dataclass(frozen=True, slots=True)
class Segmenting:
    """What it needs.

    Attributes:
        store: where audio, segments and the gains of voices are.
        gains: of voices.
        workers: make the segments.
    """

    store: Store
    gains: VoiceGains
    workers: AudioWorkers

    def wanted(self, request: ChunkRequested) -> SegmentsWanted:
        """What to make of the chunk's audio in the same step, as far as this process knows without asking the store."""
        formats = _formats(chunk_segments.codecs_of(request))
        if not formats or not chunk_segments.needs_voice_gain(request):
            return SegmentsWanted(formats, None)
        return SegmentsWanted(formats, self.gains.known(request, _profile(request)))

    async def complete(self, request: ChunkRequested, work: Work | None) -> None:
        """Store the segments that were made, or have those made that are missing.

        Args:
            request: the chunk.
            work: what was made of its audio, if that was just now; then no segment of it can be there.

        Raises:
            BadAudio: its audio cannot be encoded.
            NotFound: its audio has been removed meanwhile.
            StoreDown: the store does not answer.
        """
        codecs = chunk_segments.codecs_of(request)
        if work is not None and work.segments is not None:
            await self._put(chunk_segments.wanted(request, codecs, work.gain_db), work.segments)
        elif codecs:
            await self._make(request, codecs, work)

    async def _make(self, request: ChunkRequested, codecs: Sequence[Codec], work: Work | None) -> None:
        data, gain = None if work is None else work.data, None
        if chunk_segments.needs_voice_gain(request):
            gain = await self.gains.find(request, _profile(request))
            if gain is None:
                data = data or await self.store.get(request.audio_key)
                gain = await self._learnt(request, work, data)
            if gain is None:
                return  # too short to learn from: the assembler makes them, when it has heard more of this voice
        keys = chunk_segments.wanted(request, codecs, gain)
        if work is None:
            codecs = [codec for codec in codecs if not await self.store.exists(keys[codec.format])]
            if not codecs:
                return
        data = data or await self.store.get(request.audio_key)
        wanted = SegmentsWanted(_formats(codecs), gain)
        await self._put(keys, await self.workers.segments_of(data, request, wanted))

    async def _learnt(self, request: ChunkRequested, work: Work | None, data: bytes) -> float | None:
        """The usual gain of the voice, learnt from this chunk; None if it is too short for that."""
        found = await self.workers.gain_of(data, request) if work is None else work.gain_db
        return None if found is None else await self.gains.learn(request, _profile(request), found)

    async def _put(self, keys: Mapping[AudioFormat, str], segments: Segments) -> None:
        for name, data in segments.items():
            await self.store.put(keys[name], data, content_type=segment.CONTENT_TYPE)
            metrics.SEGMENTS.labels(name).inc()


def _formats(codecs: Sequence[Codec]) -> tuple[AudioFormat, ...]:
    return tuple(codec.format for codec in codecs)


def _profile(request: ChunkRequested) -> LoudnessProfile:
    assert request.mastering is not None  # noqa: S101 - there would be no codecs
    return request.mastering.loudness
