"""The mastered segments of an episode, in order: read from the store, a few calls ahead of whoever joins them.

What is missing or damaged is made here, from the chunk's FLAC, and stored: segments of a voice's first short chunks, or
of chunks that a synthesizer of an older version spoke. Only if the FLAC is gone too, or cannot be used, is the chunk
lost, and spoken again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

from services.assembler import metrics, voice_learning
from services.assembler.failures import ChunkMissing
from services.assembler.prefetch import ahead
from services.assembler.voice_learning import Voice
from shared.audio import chunk_audio
from shared.audio.chunk_audio import StoredChunk
from shared.audio.loudness import Samples
from shared.audio.segments import segment
from shared.audio.segments.codecs import Codec
from shared.audio.segments.segment import MasteredSegment
from shared.deadlines import in_thread
from shared.errors import BadAudio, NotFound
from shared.protocol.manifest import Manifest
from shared.store import chunk_segments
from shared.store.port import Contents, Store

CHARACTERS_A_CALL: Final = 1_000
"""Segments are read in groups with at most so much text, longer ones alone: about 0.6 MB of MP3. FLAC has five times as
many bytes a second."""
LOSSLESS_CHARACTERS_A_CALL: Final = 100
CALLS_AHEAD: Final = 3
MADE_AT_A_TIME: Final = 2
"""Segments made here concurrently. Several copies of a chunk are in memory meanwhile: 100 MB and more for 5 minutes."""

Numbered = list[tuple[int, MasteredSegment]]
"""Segments with the indexes of their chunks."""


class Segments:
    """The segments of one episode in the formats that are joined: first call `learn`.

    Args:
        manifest: of the job.
        store: where they are.
        sample_rate: of the chunks, Hz.
    """

    def __init__(self, manifest: Manifest, store: Store, sample_rate: int) -> None:
        self._manifest = manifest
        self._store = store
        self._rate = sample_rate
        self._gain_of: dict[Voice, float] = {}
        self._md5s: Sequence[str] | None = None
        self._turns = asyncio.Semaphore(MADE_AT_A_TIME)

    async def learn(self, first_chunks: int | None = None) -> None:
        """Find the usual gain of each voice, which its segments depend on; learn those that nobody has learnt.

        Args:
            first_chunks: how many chunks are spoken, if not all of them.

        Raises:
            ChunkMissing: a chunk to learn from is gone or damaged.
        """
        self._gain_of = await voice_learning.gains(
            self._manifest, self._store, self._samples, self._rate, first_chunks=first_chunks
        )

    def restrict(self, md5s: Sequence[str]) -> None:
        """Take segments of other audio than this for missing, too.

        Args:
            md5s: of each chunk's samples, as stored.
        """
        self._md5s = md5s

    async def of(self, codec: Codec, indexes: Sequence[int]) -> AsyncGenerator[Numbered, None]:
        """The segments of chunks, in order, a few at a time; segments that are missing are made.

        Use it under `contextlib.aclosing`: leaving it early cancels what is still in progress.

        Raises:
            ChunkMissing: neither a segment nor its chunk's audio is in the store, or usable.
        """

        async def fetch(some: Sequence[int]) -> Numbered:
            found = await self._stored(codec, some)
            return [(index, each or await self._made(index, codec)) for index, each in zip(some, found, strict=True)]

        async with aclosing(ahead(self._batches(indexes, codec), fetch, CALLS_AHEAD)) as fetched:
            async for some in fetched:
                yield some

    def known(self, indexes: Sequence[int]) -> Sequence[int]:
        """The chunks before the first one whose segment depends on a gain of its voice that nobody has learnt."""
        if not chunk_segments.needs_voice_gain(self._manifest.chunk_request(0)):
            return indexes
        for count, index in enumerate(indexes):
            if self._manifest.voice_of(index) not in self._gain_of:
                return indexes[:count]
        return indexes

    def names(self, codec: Codec, indexes: Sequence[int]) -> list[str]:
        """The keys of chunks' segments, which stand for all that decides their bytes."""
        return [self._name(codec, index) for index in indexes]

    def _name(self, codec: Codec, index: int) -> str:
        gain = self._gain_of.get(self._manifest.voice_of(index))
        loudness = self._manifest.request.loudness
        return chunk_segments.key_of(self._manifest.chunks[index].audio_key, loudness, codec, gain)

    async def _stored(self, codec: Codec, indexes: Sequence[int]) -> list[MasteredSegment | None]:
        keys = await in_thread(partial(self.names, codec, indexes))
        data = await self._store.get_many(keys)
        return await in_thread(partial(self._usable, indexes, data))

    def _usable(self, indexes: Sequence[int], data: Contents) -> list[MasteredSegment | None]:
        """Stored segments; None for each that is missing or of no use."""
        found = [_parsed(each, self._rate) for each in data]
        if self._md5s is None:
            return found
        return [
            each if each and each.head.chunk_md5 == self._md5s[index] else None
            for index, each in zip(indexes, found, strict=True)
        ]

    def _batches(self, indexes: Sequence[int], codec: Codec) -> Iterator[list[int]]:
        """Chunks that are read in one call."""
        limit = LOSSLESS_CHARACTERS_A_CALL if codec.format in {"flac", "wav"} else CHARACTERS_A_CALL
        batch: list[int] = []
        size = 0
        for index in indexes:
            length = len(self._manifest.chunks[index].text)
            if batch and size + length > limit:
                yield batch
                batch, size = [], 0
            batch.append(index)
            size += length
        if batch:
            yield batch

    async def _made(self, index: int, codec: Codec) -> MasteredSegment:
        async with self._turns:
            chunk = await self._chunk(index)
            try:
                made = await in_thread(partial(self._encode, chunk, index, codec))
            except BadAudio as error:
                lost = self._manifest.chunks[index].audio_key
                raise ChunkMissing(index, lost, because=f"cannot be encoded as {codec.format}") from error
            key = await in_thread(partial(self._name, codec, index))
            await self._store.put(key, await in_thread(made.to_bytes), content_type=segment.CONTENT_TYPE)
        metrics.SEGMENTS_MADE.labels(codec.format).inc()
        return made

    def _encode(self, chunk: StoredChunk, index: int, codec: Codec) -> MasteredSegment:
        request = self._manifest.chunk_request(index)
        gain = self._gain_of.get(self._manifest.voice_of(index))
        return chunk_segments.encode(chunk, request, [codec], gain)[codec.format]

    async def _samples(self, index: int) -> Samples:
        return (await self._chunk(index)).samples

    async def _chunk(self, index: int) -> StoredChunk:
        """The stored chunk.

        Raises:
            ChunkMissing: it is gone, damaged, or of another sample rate.
        """
        key = self._manifest.chunks[index].audio_key
        try:
            chunk = await in_thread(partial(chunk_audio.load, await self._store.get(key)))
        except NotFound:
            raise ChunkMissing(index, key, because="is missing") from None
        except BadAudio as error:
            raise ChunkMissing(index, key, because="is damaged") from error
        if (rate := chunk.measurement.sample_rate) != self._rate:
            raise ChunkMissing(index, key, because=f"has {rate} Hz instead of {self._rate} Hz")
        return chunk


def _parsed(data: bytes | None, rate: int) -> MasteredSegment | None:
    """A stored segment; None if it is of no use."""
    if data is None:
        return None
    try:
        found = segment.parse(data)
    except BadAudio:
        return None
    return found if found.head.rate == rate else None
