"""Stores the mastered segments that a chunk's job needs, and has those made that are missing. Nothing is spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.synthesizer import metrics
from services.synthesizer.audio_workers import AudioWorkers
from shared.audio.segments import segment
from shared.errors import BadAudio, NotFound
from shared.protocol.messages import ChunkRequested, LoudnessProfile
from shared.store import chunk_segments
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains

_HEAD_BYTES: Final = 8_192
"""Enough for the head of a segment of 40 s."""


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

    async def complete(self, request: ChunkRequested, data: bytes | None = None, *, md5: str = "") -> None:
        """Have the segments made that are missing, and store them.

        Args:
            request: the chunk.
            data: its audio, if it was stored just now; then no segment of it can be there.
            md5: of its audio, if that was found in the store; segments of other audio count as missing.

        Raises:
            BadAudio: its audio is damaged, or cannot be encoded.
            NotFound: its audio has been removed meanwhile.
            StoreDown: the store does not answer.
        """
        codecs = chunk_segments.codecs_of(request)
        if not codecs:
            return
        gain = None
        if chunk_segments.needs_voice_gain(request):
            gain = await self.gains.find(request, _profile(request))
            if gain is None:
                data = data or await self.store.get(request.audio_key)
                gain = await self._learnt(request, data)
            if gain is None:
                return  # too short to learn from: the assembler makes them, when it has heard more of this voice
        keys = chunk_segments.wanted(request, codecs, gain)
        if data is None:
            codecs = [codec for codec in codecs if not await self._is_made(keys[codec.format], md5)]
            if not codecs:
                return
            data = await self.store.get(request.audio_key)
        formats = tuple(codec.format for codec in codecs)
        for name, made in (await self.workers.segments_of(data, request, formats, gain)).items():
            await self.store.put(keys[name], made, content_type=segment.CONTENT_TYPE)
            metrics.SEGMENTS.labels(name).inc()

    async def _is_made(self, key: str, md5: str) -> bool:
        """Whether a segment is there that was made of this audio.

        A segment of other audio is left if the chunk was spoken again and the process died after replacing the audio.
        """
        try:
            start = await self.store.get_range(key, 0, _HEAD_BYTES)
            if (length := segment.head_length(start)) > len(start):
                start = await self.store.get_range(key, 0, length)
            return segment.parse_head(start).chunk_md5 == md5
        except (NotFound, BadAudio):
            return False

    async def _learnt(self, request: ChunkRequested, data: bytes) -> float | None:
        """The usual gain of the voice, learnt from this chunk; None if it is too short for that."""
        found = await self.workers.gain_of(data, request)
        return None if found is None else await self.gains.learn(request, _profile(request), found)


def _profile(request: ChunkRequested) -> LoudnessProfile:
    assert request.mastering is not None  # noqa: S101 - there would be no codecs
    return request.mastering.loudness
