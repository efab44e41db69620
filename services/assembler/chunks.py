"""The stored chunks: their measurements for the plan, their samples for the encoder; only a few are held at a time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import numpy as np

from services.assembler.failures import ChunkMissing, OtherAudio
from services.assembler.prefetch import ahead
from services.assembler.timeline import ChunkMeasurement, TimedChunk, Timeline
from shared.audio import chunk_audio
from shared.audio.limiter import Limiter
from shared.audio.loudness import LoudnessMeter, Samples
from shared.deadlines import in_thread
from shared.errors import BadAudio, NotFound
from shared.protocol.manifest import Chunk, Manifest
from shared.store.port import Store

MEASUREMENTS_AHEAD = 8
CHUNKS_AHEAD = 3
"""Compressed, so three of the longest (5 minutes) are about 20 MB."""
STRETCH_SECONDS = 20
"""Audio processed in the thread at a time: about 50 ms of work; the longest chunks take several rounds."""
SLICES_A_SECOND = 2
"""In most half-second slices the limiter is idle."""


async def measure(manifest: Manifest, store: Store, sample_rate: int) -> list[ChunkMeasurement]:
    """The measurement of each chunk, in order.

    Raises:
        ChunkMissing: a chunk is not in the store, damaged, or was made at another sample rate.
    """
    first_with_key = {chunk.audio_key: chunk for chunk in reversed(manifest.chunks)}

    async def measurement(chunk: Chunk) -> tuple[str, ChunkMeasurement]:
        return chunk.audio_key, await _measure_one(chunk, store, sample_rate)

    async with aclosing(ahead(first_with_key.values(), measurement, MEASUREMENTS_AHEAD)) as measurements:
        known = {key: measured async for key, measured in measurements}
    return [known[chunk.audio_key] for chunk in manifest.chunks]


async def _measure_one(chunk: Chunk, store: Store, sample_rate: int) -> ChunkMeasurement:
    try:
        head = await store.get_range(chunk.audio_key, 0, chunk_audio.HEADER_BYTES)
        try:
            measurement = await in_thread(partial(chunk_audio.read_measurement, head))
        except BadAudio:
            if len(head) < chunk_audio.HEADER_BYTES:
                raise
            whole = await store.get(chunk.audio_key)  # the chunk is so long that its measurement continues
            measurement = await in_thread(partial(chunk_audio.read_measurement, whole))
    except NotFound:
        raise ChunkMissing(chunk.index, chunk.audio_key, because="is missing") from None
    except BadAudio as error:
        raise ChunkMissing(chunk.index, chunk.audio_key, because="is damaged") from error
    if measurement.sample_rate != sample_rate:
        because = f"has {measurement.sample_rate} Hz instead of {sample_rate} Hz"
        raise ChunkMissing(chunk.index, chunk.audio_key, because=because)
    return ChunkMeasurement(
        measurement.frames,
        np.array(measurement.energies),
        measurement.true_peak_dbtp,
        md5=chunk_audio.read_md5(head),
    )


class Mastering:
    """Gain, then limiter, then a meter.

    Attributes:
        meter: measures what has been sent to the encoder so far.
    """

    def __init__(self, rate: int, *, gain_db: float, ceiling_dbtp: float) -> None:
        self._factor = np.float32(10 ** (gain_db / 20))
        self._step = rate // SLICES_A_SECOND
        self._limiter = Limiter(rate, ceiling_dbtp)
        self.meter = LoudnessMeter(rate)

    def push(self, samples: Samples) -> Samples:
        """Take samples; returns those that are now ready for the encoder."""
        step = self._step
        ready = [self._limiter.push(samples[at : at + step] * self._factor) for at in range(0, len(samples), step)]
        return self._metered(np.concatenate(ready)) if ready else samples

    def finish(self) -> Samples:
        """The remaining samples."""
        return self._metered(self._limiter.finish())

    def _metered(self, samples: Samples) -> Samples:
        self.meter.push(samples)
        return samples


async def episode_samples(
    timeline: Timeline, manifest: Manifest, store: Store, mastering: Mastering
) -> AsyncGenerator[Samples, None]:
    """The episode's audio, mono, as it goes to the encoder; exactly `timeline.frames` samples in all.

    Args:
        timeline: the plan.
        manifest: names the chunks' objects.
        store: where they are.
        mastering: the processing that every sample goes through.

    Raises:
        ChunkMissing: a chunk is gone or damaged.
        OtherAudio: its length is no longer what was measured.
    """
    stretch = STRETCH_SECONDS * timeline.sample_rate

    async def fetch(timed: TimedChunk) -> tuple[TimedChunk, bytes]:
        return timed, await _stored(timed, manifest.chunks[timed.index].audio_key, store)

    yield mastering.push(_silence(timeline.lead_in))
    async with aclosing(ahead(timeline.chunks, fetch, CHUNKS_AHEAD)) as fetched:
        async for timed, data in fetched:
            samples = await in_thread(partial(_decode, timed, manifest.chunks[timed.index].audio_key, data))
            for start in range(0, len(samples), stretch):
                yield await in_thread(partial(mastering.push, samples[start : start + stretch]))
            yield mastering.push(_silence(timed.pause))
    yield mastering.finish()


async def samples_of(timed: TimedChunk, key: str, store: Store) -> Samples:
    """One chunk's audio, with the gain of its voice.

    Raises:
        ChunkMissing: it is gone or damaged.
        OtherAudio: its length is no longer what was measured.
    """
    return await in_thread(partial(_decode, timed, key, await _stored(timed, key, store)))


async def _stored(timed: TimedChunk, key: str, store: Store) -> bytes:
    try:
        return await store.get(key)
    except NotFound:
        raise ChunkMissing(timed.index, key, because="is missing") from None


def _decode(timed: TimedChunk, key: str, data: bytes) -> Samples:
    try:
        samples, _ = chunk_audio.decode(data)
    except BadAudio as error:
        raise ChunkMissing(timed.index, key, because="is damaged") from error
    if len(samples) != timed.frames:
        raise OtherAudio(f"Chunk {timed.index} was spoken again after it had been measured.", hint="All is made anew.")
    return samples * np.float32(10 ** (timed.gain_db / 20)) if timed.gain_db else samples


def _silence(frames: int) -> Samples:
    return np.zeros(frames, dtype=np.float32)
