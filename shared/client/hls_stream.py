"""A job as an HLS stream, while it is spoken: a playlist that grows, and fragments of the frames of the final m4b.

The segments are those that the job's synthesizers have stored, if it makes an m4b; else they are made here, of the
stored chunks, and not stored. In an episode of more than `SHORT_EPISODE_CHUNKS` they depend on the usual gain of the
voice: where nobody has learnt that yet, a chunk gets its own gain, and is not final.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import Final

from shared.audio import chunk_audio
from shared.audio.joining import hls, hls_files
from shared.audio.joining.languages import three_letters
from shared.audio.segments import mastering, segment
from shared.audio.segments.codecs import Codec, EncoderMissing, codec_for
from shared.audio.segments.segment import MasteredSegment
from shared.client import watching
from shared.client.hls_jobs import HlsJob, HlsJobs
from shared.client.reading_along import AudioGone, ended
from shared.deadlines import in_thread
from shared.errors import BadAudio, Conflict, NotFound
from shared.protocol.messages import TERMINAL_STATES, AudioFormat, ChunkRequested, JobStatus
from shared.store import chunk_segments
from shared.store.port import Store
from shared.store.voice_gains import VoiceGains

PLAYLIST: Final = "index.m3u8"
INITIALIZATION: Final = "init.mp4"
FRAGMENT: Final = "{number}.m4s"
_FORMAT: Final[AudioFormat] = "m4b"
_LOOK_SECONDS: Final = 0.3
_MARGIN_SECONDS: Final = 0.01
_STATUS_SECONDS: Final = 1.0
_MADE_AT_A_TIME: Final = 2
"""Several copies of a chunk are in memory meanwhile: 100 MB and more for one of 5 minutes."""
_KEPT_BYTES: Final = 8_000_000
"""Of segments that were made here: a long chunk is in several fragments."""


class NothingSpoken(Conflict):
    """Nothing of the job is spoken yet, so that there is no playlist: a player would take it for damaged."""


@dataclass(frozen=True, slots=True)
class HlsFile:
    """A file of the stream.

    Attributes:
        data: its content.
        is_final: it will always be the same.
    """

    data: bytes
    is_final: bool


class HlsStreams:
    """The streams of all jobs of a store.

    Args:
        store: where they are.
        default_rate: sample rate of a manifest that names none, Hz.
        turns: held while a manifest is read, which takes memory.
    """

    def __init__(self, store: Store, *, default_rate: int, turns: asyncio.Semaphore) -> None:
        self._store = store
        self._jobs = HlsJobs(store, default_rate=default_rate, turns=turns)
        self._gains = VoiceGains(store)
        self._making = asyncio.Semaphore(_MADE_AT_A_TIME)
        self._made: OrderedDict[str, MasteredSegment] = OrderedDict()

    async def playlist(self, status: JobStatus, *, awaited: int = 0, patience_seconds: float = 0.0) -> str:
        """The playlist of what is spoken.

        Args:
            status: of the job.
            awaited: the number of a fragment that should be in it.
            patience_seconds: how long to wait for that one.

        Raises:
            NothingSpoken: nothing of the job, or not yet.
            NotSpoken, BadSource: nothing of it, and nothing will be.
            AudioGone: the job is complete, but what was spoken is no longer there.
            UnreadableJob, BadAudio: what the store has of it cannot be used.
            EncoderMissing: there is no encoder for AAC.
        """
        _codec()
        began = looked = time.monotonic()
        while True:
            job = await self._jobs.find(status)
            if job is not None:
                await job.look(self._store, unless_within_seconds=_LOOK_SECONDS)
            has_ended = status.state in TERMINAL_STATES or (job is not None and job.is_spoken)
            is_there = job is not None and job.plan.fragments > awaited
            now = time.monotonic()
            if has_ended or is_there or now - began >= patience_seconds:
                return await in_thread(partial(_written, status, job))
            await asyncio.sleep(_LOOK_SECONDS + _MARGIN_SECONDS)
            if now - looked >= _STATUS_SECONDS:
                status, looked = await watching.look(self._store, status.job_id) or status, now

    async def initialization(self, status: JobStatus) -> HlsFile:
        """What describes the fragments.

        Raises:
            NothingSpoken: the job is not chunked yet.
        """
        job = await self._jobs.find(status)
        if job is None:
            raise _nothing(status.job_id)
        profile = job.manifest.request.loudness
        data = hls_files.initialization(
            job.plan.rate, mastering.CHANNELS[profile], language=three_letters(job.manifest.language)
        )
        return HlsFile(data, is_final=True)

    async def fragment(self, status: JobStatus, number: int) -> HlsFile:
        """One fragment.

        Raises:
            NotFound: it is not spoken, or there are not as many.
            AudioGone: what was spoken is no longer there.
            UnreadableJob, BadAudio: what the store has of it cannot be used.
            EncoderMissing: there is no encoder for AAC.
        """
        codec = _codec()
        job = await self._jobs.find(status)
        if job is not None and job.plan.fragments <= number:
            await job.look(self._store)
        if job is None or job.plan.fragments <= number:
            raise NotFound(f"Job {status.job_id} has no fragment {number}.", hint="The playlist lists those there are.")
        cut = job.plan.cut(number)
        found = [await self._segment(job, index, codec) for index in range(cut.chunks[0], cut.chunks[1] + 1)]
        channels = mastering.CHANNELS[job.manifest.request.loudness]
        data = await in_thread(
            partial(hls_files.fragment, job.plan, cut, [each for each, _ in found], channels=channels)
        )
        return HlsFile(data, is_final=all(is_final for _, is_final in found))

    async def _segment(self, job: HlsJob, index: int, codec: Codec) -> tuple[MasteredSegment, bool]:
        """The segment of a chunk, and whether it is that of the final file."""
        request = job.manifest.chunk_request(index)
        gain = None
        is_final = True
        if chunk_segments.needs_voice_gain(request):
            gain = await self._gains.find(request, job.manifest.request.loudness)
            is_final = gain is not None
        key = chunk_segments.wanted(request, [codec], gain)[_FORMAT]
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key], is_final
        try:
            found = await in_thread(partial(segment.parse, await self._store.get(key)))
            job.plan.placed(index, found.head)
        except (NotFound, BadAudio):
            async with self._making:
                try:
                    audio = await self._store.get(request.audio_key)
                except NotFound:
                    raise AudioGone(
                        f"The audio of chunk {index} is no longer in the store.", hint="Play the episode itself."
                    ) from None
                found = await in_thread(partial(_made, audio, request, codec, gain))
            self._keep(key, found)
        return found, is_final

    def _keep(self, key: str, made: MasteredSegment) -> None:
        self._made[key] = made
        while sum(len(each.payload) for each in self._made.values()) > _KEPT_BYTES:
            self._made.popitem(last=False)


def _made(audio: bytes, request: ChunkRequested, codec: Codec, gain_db: float | None) -> MasteredSegment:
    """A segment of the stored chunk."""
    return chunk_segments.encode(*chunk_audio.decode(audio), request, [codec], gain_db)[_FORMAT]


def _codec() -> Codec:
    codec = codec_for(_FORMAT)
    if codec is None:
        raise EncoderMissing(
            "There is no encoder for AAC here, which HLS needs.",
            hint="`podcast doctor` tells more. The MP3 that grows needs none: …/stream.",
        )
    return codec


def _written(status: JobStatus, job: HlsJob | None) -> str:
    """The playlist."""
    has_failed = status.state in {"failed", "cancelled"}
    if job is None or not job.plan.fragments:
        if has_failed:
            raise ended(status)
        if status.state != "completed":
            raise _nothing(status.job_id)
    if job is None or (status.state == "completed" and job.is_waiting):
        raise AudioGone("The audio of the chunks is no longer in the store.", hint="Play the episode itself.")
    remark = ""
    if has_failed and job.is_waiting:
        remark = f"The job is {status.state}, so this is not all of it: {status.error or 'no reason was given.'}"
    return hls.playlist(
        job.plan,
        initialization=INITIALIZATION,
        name=FRAGMENT,
        is_complete=job.is_spoken or has_failed,
        remark=remark,
    )


def _nothing(job_id: str) -> NothingSpoken:
    return NothingSpoken(f"Nothing of job {job_id} is spoken yet.", hint="Try again in a moment.")
