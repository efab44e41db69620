"""The mastered segments of an episode: their heads for the plan, their frames for the file.

What is missing or damaged is made here, from the chunk's FLAC, and stored: a voice's first short chunks, chunks that a
synthesizer of an older version spoke. Only if the FLAC is gone too, or cannot be used, is the chunk lost, and spoken
again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Final, Self

from services.assembler import metrics, voice_learning
from services.assembler.failures import ChunkMissing
from services.assembler.prefetch import ahead
from services.assembler.spool import Spool
from services.assembler.voice_learning import Voice
from shared.audio import chunk_audio
from shared.audio.joining.placement import Placed, Placement
from shared.audio.loudness import Samples
from shared.audio.segments import segment
from shared.audio.segments.codecs import Codec
from shared.audio.segments.segment import Head, MasteredSegment
from shared.deadlines import in_thread
from shared.errors import BadAudio, NotFound
from shared.protocol.manifest import Manifest
from shared.protocol.messages import AudioFormat
from shared.store import chunk_segments
from shared.store.port import Store
from shared.store.voice_gains import voice_of

CHARACTERS_A_CALL: Final = 1_000
"""Segments are read in groups with at most so much text, longer ones alone: about 0.6 MB of MP3. FLAC has five times as
many bytes a second."""
LOSSLESS_CHARACTERS_A_CALL: Final = 100
CALLS_AHEAD: Final = 3
CHANGED_A_CALL: Final = 16
MADE_AT_A_TIME: Final = 2
"""Segments made here concurrently. Several copies of a chunk are in memory meanwhile: 100 MB and more for 5 minutes."""


class Segments:
    """The segments of one episode in the formats that are joined. Close it: it holds frames on disk.

    Args:
        manifest: of the job.
        store: where they are.
        sample_rate: of the chunks, Hz.
    """

    def __init__(self, manifest: Manifest, store: Store, sample_rate: int) -> None:
        self._manifest = manifest
        self._store = store
        self._rate = sample_rate
        self._distinct = {chunk.audio_key: chunk.index for chunk in reversed(manifest.chunks)}
        self._gain_of: dict[Voice, float] = {}
        self._spools: dict[AudioFormat, Spool] = {}
        self._turns = asyncio.Semaphore(MADE_AT_A_TIME)

    async def heads(self, codec: Codec) -> list[Head]:
        """The head of each chunk's segment, in order; segments that are missing are made.

        Raises:
            ChunkMissing: neither a segment nor its chunk's audio is in the store, or usable.
        """
        if not self._gain_of:
            self._gain_of = await voice_learning.gains(self._manifest, self._store, self._samples, self._rate)
        indexes = list(self._distinct.values())
        keys = await in_thread(partial(self._names, indexes, codec))
        limit = LOSSLESS_CHARACTERS_A_CALL if codec.format in {"flac", "wav"} else CHARACTERS_A_CALL
        spool = self._spools.setdefault(codec.format, Spool(len(self._manifest.chunks)))

        async def fetch(some: Sequence[int]) -> list[tuple[int, Head]]:
            stored = await self._store.get_many([keys[index] for index in some])
            kept = await in_thread(
                lambda: [_kept(data, spool, index, self._rate) for index, data in zip(some, stored, strict=True)]
            )
            return [
                (index, head or await self._make(index, keys[index], codec, spool))
                for index, head in zip(some, kept, strict=True)
            ]

        async with aclosing(ahead(self._batches(indexes, limit), fetch, CALLS_AHEAD)) as fetched:
            found = {index: head async for some in fetched for index, head in some}
        return [found[self._distinct[chunk.audio_key]] for chunk in self._manifest.chunks]

    def _batches(self, indexes: Sequence[int], limit: int) -> Iterator[list[int]]:
        """Chunks with at most `limit` characters together, or one that has more."""
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

    def payload(self, placed: Placed, codec: Codec) -> bytes:
        """The frames of a segment that was read for its head, checked against it once more. Blocks: it reads a disk.

        Raises:
            BadAudio: what was read is not what was written.
        """
        frames = self._spools[codec.format].read(self._place_of(placed))
        segment.check_payload(placed.head, frames)
        return frames

    async def changed(
        self, placement: Placement, codec: Codec, change: Callable[[MasteredSegment], MasteredSegment]
    ) -> Placement:
        """Change the segments of an episode, for this episode alone: what is in the store stays.

        Args:
            placement: of the segments.
            codec: of the format.
            change: what becomes of one; its frames keep their sizes.

        Raises:
            BadAudio: one of them cannot be changed. Others may have been: drop them all.
        """
        spool = self._spools[codec.format]
        heads: dict[int, Head] = {}

        def change_some(some: Sequence[Placed]) -> None:
            for placed in some:
                index = self._place_of(placed)
                if index not in heads:
                    made = change(MasteredSegment(placed.head, self.payload(placed, codec)))
                    spool.replace(index, made.payload)
                    heads[index] = made.head

        for at in range(0, len(placement.chunks), CHANGED_A_CALL):
            await in_thread(partial(change_some, placement.chunks[at : at + CHANGED_A_CALL]))
        return replace(
            placement,
            chunks=[replace(placed, head=heads[self._place_of(placed)]) for placed in placement.chunks],
        )

    def _place_of(self, placed: Placed) -> int:
        """Its number on disk: that of the first chunk with the same audio."""
        return self._distinct[self._manifest.chunks[placed.index].audio_key]

    def drop(self, codec: Codec) -> None:
        """Give back what is held on disk of a format that is not joined after all."""
        self._spools.pop(codec.format).close()

    def close(self) -> None:
        """Give back what is held on disk."""
        for spool in self._spools.values():
            spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _make(self, index: int, key: str, codec: Codec, spool: Spool) -> Head:
        """Make a chunk's segment from its FLAC and store it."""
        async with self._turns:
            samples = await self._samples(index)
            try:
                made = await in_thread(partial(self._encode, samples, index, codec))
            except BadAudio as error:
                lost = self._manifest.chunks[index].audio_key
                raise ChunkMissing(index, lost, because=f"cannot be encoded as {codec.format}") from error
            await self._store.put(key, made, content_type=segment.CONTENT_TYPE)
        metrics.SEGMENTS_MADE.labels(codec.format).inc()
        head = await in_thread(partial(_kept, made, spool, index, self._rate))
        assert head is not None  # noqa: S101 - it was just made, of samples whose rate was checked
        return head

    def _encode(self, samples: Samples, index: int, codec: Codec) -> bytes:
        request = self._manifest.chunk_request(index)
        gain = self._gain_of.get(voice_of(request))
        return chunk_segments.encode(samples, self._rate, request, [codec], gain)[codec.format].to_bytes()

    async def _samples(self, index: int) -> Samples:
        """The samples of the stored chunk.

        Raises:
            ChunkMissing: it is gone, damaged, or of another sample rate.
        """
        key = self._manifest.chunks[index].audio_key
        try:
            samples, rate = await in_thread(partial(chunk_audio.decode, await self._store.get(key)))
        except NotFound:
            raise ChunkMissing(index, key, because="is missing") from None
        except BadAudio as error:
            raise ChunkMissing(index, key, because="is damaged") from error
        if rate != self._rate:
            raise ChunkMissing(index, key, because=f"has {rate} Hz instead of {self._rate} Hz")
        return samples

    def _names(self, indexes: Sequence[int], codec: Codec) -> dict[int, str]:
        """The keys of chunks' segments."""
        keys: dict[int, str] = {}
        for index in indexes:
            request = self._manifest.chunk_request(index)
            gain = self._gain_of.get(voice_of(request))
            keys[index] = chunk_segments.wanted(request, [codec], gain)[codec.format]
        return keys


def _kept(data: bytes | None, spool: Spool, index: int, rate: int) -> Head | None:
    """The head of a stored segment, after its frames were put on disk; None if it is of no use."""
    if data is None:
        return None
    try:
        head = segment.parse_head(data)
        frames = memoryview(data)[segment.head_length(data) :]
        segment.check_payload(head, frames)
    except BadAudio:
        return None
    if head.rate != rate:
        return None
    spool.append(index, frames)
    return head
