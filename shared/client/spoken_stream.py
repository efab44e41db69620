"""A job's audio in one format, in order, while it is spoken: what was spoken at once, the rest as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from shared.audio.levelling import Levelling
from shared.audio.loudness import Samples
from shared.audio.stream_encoding import ENCODINGS, StreamFormat, encoded
from shared.client.reading_along import AwaitedChunk, ReadingAlong
from shared.deadlines import in_thread
from shared.store.port import Store


class SpokenStream:
    """A job as a stream.

    Attributes:
        seconds: how much has gone into the encoder so far.

    Args:
        store: where the job is.
        job_id: of the job.
        audio_format: of the stream.
        patience_seconds: the longest wait for the next chunk.
        default_rate: sample rate of a manifest that names none, Hz.
    """

    def __init__(
        self, store: Store, job_id: str, audio_format: StreamFormat, *, patience_seconds: float, default_rate: int
    ) -> None:
        self.seconds = 0.0
        self._format: StreamFormat = audio_format
        self._reading = ReadingAlong(store, job_id, patience_seconds=patience_seconds, default_rate=default_rate)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The encoded audio. What came before an error is sent before it is raised.

        Raises:
            NotSpoken, AudioGone, SpeechDown, BadSource: as of `ReadingAlong`.
            EncoderFailed: ffmpeg failed.
        """
        rate, parts = await self._reading.parts()
        async with aclosing(encoded(self._samples(rate, parts), self._format, rate)) as stream:
            async for piece in stream:
                yield piece

    async def _samples(self, rate: int, parts: list[AwaitedChunk]) -> AsyncGenerator[Samples, None]:
        encoding = ENCODINGS[self._format]
        levelling = Levelling(rate, ceiling_dbtp=encoding.ceiling_dbtp, extra_gain_db=encoding.extra_gain_db)
        async with aclosing(self._reading.chunks(parts)) as chunks:
            async for audio, pause_ms in chunks:
                samples = await in_thread(partial(levelling.chunk, audio, pause_ms))
                self.seconds += len(samples) / rate
                yield samples
        yield levelling.finish()
