"""The AAC segments of an HLS stream.

If the job makes an m4b, they are those that its synthesizers have stored; otherwise they are made here, from the stored
chunks, and are not stored. In an episode of more than `SHORT_EPISODE_CHUNKS` they depend on the usual gain of the
voice: where that has not been learnt yet, a chunk gets its own gain, and its segment is not final.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from functools import partial
from typing import Final

from shared.audio import chunk_audio
from shared.audio.segments import aac, segment
from shared.audio.segments import making as segment_making
from shared.audio.segments.codecs import Codec, EncoderMissing, codec_for
from shared.audio.segments.segment import MasteredSegment
from shared.client.hls_jobs import HlsJob
from shared.client.reading_along import AudioGone
from shared.deadlines import in_thread
from shared.errors import BadAudio, NotFound, PodcastError
from shared.protocol.messages import AudioFormat, ChunkRequested
from shared.store import chunk_segments
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains

_FORMAT: Final[AudioFormat] = "m4b"
_MADE_AT_A_TIME: Final = 2
"""Several copies of a chunk are in memory meanwhile: 100 MB and more for one of 5 minutes."""
_KEPT_BYTES: Final = 8_000_000
"""Of segments that were made here: a long chunk is in several fragments."""


class HlsSegments:
    """The segments of all jobs of a store.

    Args:
        store: where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gains = VoiceGains(store)
        self._making = asyncio.Semaphore(_MADE_AT_A_TIME)
        self._made: OrderedDict[str, MasteredSegment] = OrderedDict()
        self._being_made: dict[str, asyncio.Task[MasteredSegment]] = {}
        self._begun: set[asyncio.Task[None]] = set()

    async def find(self, job: HlsJob, index: int) -> tuple[MasteredSegment, bool]:
        """The segment of a chunk, and whether it is that of the final file.

        Raises:
            AudioGone: what was spoken is no longer there.
            BadAudio: it cannot be used.
            EncoderMissing: there is no encoder for AAC.
        """
        codec = await in_thread(codec_of_hls)
        request = job.manifest.chunk_request(index)
        gain = None
        is_final = True
        if chunk_segments.needs_voice_gain(request):
            gain = await self._gains.find(request, job.manifest.request.loudness)
            is_final = gain is not None
        key = chunk_segments.wanted(request, [codec], gain)[_FORMAT]
        if (made := self._made.get(key)) is not None and _fits(job, index, made):
            self._made.move_to_end(key)
            return made, is_final
        found = await self._stored(job, index, key) if _FORMAT in job.manifest.request.formats else None
        if found is None:
            if (making := self._being_made.get(key)) is None:
                making = self._being_made[key] = asyncio.create_task(self._make(key, request, gain))
                making.add_done_callback(lambda _: self._being_made.pop(key, None))
            found = await asyncio.shield(making)  # another request may be waiting for it too
        return found, is_final

    async def _stored(self, job: HlsJob, index: int, key: str) -> MasteredSegment | None:
        """What a synthesizer has stored; None if it is missing or of no use."""
        try:
            found = await in_thread(partial(segment.parse, await self._store.get(key)))
        except (NotFound, BadAudio):
            return None
        return found if _fits(job, index, found) else None

    def begin(self, job: HlsJob, index: int) -> None:
        """Have the segment of a chunk made, if it is not stored: a request for it will come at once."""

        async def find() -> None:
            with contextlib.suppress(PodcastError):  # it is told to who asks
                await self.find(job, index)

        task = asyncio.create_task(find())
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    async def _make(self, key: str, request: ChunkRequested, gain_db: float | None) -> MasteredSegment:
        async with self._making:
            try:
                audio = await self._store.get(request.audio_key)
            except NotFound:
                raise AudioGone(
                    f"The audio of chunk {request.index} is no longer in the store.", hint="Play the episode itself."
                ) from None
            made = await in_thread(partial(_made, audio, request, gain_db))
        self._keep(key, made)
        return made

    def _keep(self, key: str, made: MasteredSegment) -> None:
        self._made[key] = made
        while sum(len(each.payload) for each in self._made.values()) > _KEPT_BYTES:
            self._made.popitem(last=False)


def codec_of_hls() -> Codec:
    """The codec of the stream.

    Raises:
        EncoderMissing: there is no encoder for AAC.
    """
    codec = codec_for(_FORMAT)
    if codec is None:
        raise EncoderMissing(
            "There is no encoder for AAC here, which HLS needs.",
            hint="`podcast doctor` tells more. The MP3 that grows needs none: …/stream.",
        )
    return codec


def _fits(job: HlsJob, index: int, found: MasteredSegment) -> bool:
    """Whether a segment is as long as the chunk; one of other audio may be left if that was spoken again."""
    try:
        job.plan.placed(index, found.head)
    except BadAudio:
        return False
    return True


def _made(audio: bytes, request: ChunkRequested, gain_db: float | None) -> MasteredSegment:
    """A segment of the stored chunk. It is not decoded again as proof, since somebody waits and it is not stored."""
    samples, rate = chunk_audio.decode(audio)
    mastered, channels = chunk_segments.master(samples, rate, request, gain_db), chunk_segments.channels_of(request)
    encoded = aac.CODEC.encode_alone(mastered.samples, rate, channels)
    return segment_making.unproved(encoded, mastered, rate, aac.CODEC, channels=channels)
