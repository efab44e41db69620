"""A job as an HLS stream, while it is spoken: a playlist that grows, and fragments of the frames of the final m4b."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from functools import partial
from typing import Final

from shared.audio.joining import hls, hls_files
from shared.audio.joining.languages import three_letters
from shared.audio.segments import mastering
from shared.client import watching
from shared.client.hls_jobs import HlsJob, HlsJobs
from shared.client.hls_segments import HlsSegments, codec_of_hls
from shared.client.reading_along import AudioGone, ended
from shared.deadlines import in_thread
from shared.errors import BadAudio, Conflict, NotFound
from shared.protocol.messages import TERMINAL_STATES, JobStatus
from shared.store.port import Store

PLAYLIST: Final = "index.m3u8"
INITIALIZATION: Final = "init.mp4"
FRAGMENT: Final = "{number}.m4s"
_NUMBERED: Final = re.compile(r"([0-9]{1,9})\.m4s")
AWAITED_SECONDS: Final = 6.0
"""How long a player that asks for the next fragment waits for it; players give up after 10 s without an answer."""
_LOOK_SECONDS: Final = 0.3
_FIRST_LOOK_SECONDS: Final = 0.02
_FIRST_LOOK_SHARE: Final = 0.02
"""While nothing of a job can be heard yet, somebody waits for the first sound: it is looked for again after this share
of the time that they have waited, but not more often than the former nor less often than `_LOOK_SECONDS`."""
_MARGIN_SECONDS: Final = 0.001
_STATUS_SECONDS: Final = 1.0


class NothingSpoken(Conflict):
    """Nothing of the job is spoken yet, so that there is no playlist: a player would take it for damaged."""


@dataclass(frozen=True, slots=True)
class HlsFile:
    """A file of the stream.

    Attributes:
        data: its content.
        media_type: what it is.
        is_final: it will always be the same.
    """

    data: bytes
    media_type: str
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
        self._segments = HlsSegments(store)

    async def file(self, status: JobStatus, name: str, *, awaited: int = 0) -> HlsFile:
        """A file of the stream by its name, as the playlist names it.

        Raises:
            NotFound: there is none of this name.
            PodcastError: as of `playlist`, `initialization` and `fragment`.
        """
        if name == PLAYLIST:
            text = await self.playlist(status, awaited=awaited, patience_seconds=AWAITED_SECONDS)
            return HlsFile(text.encode(), hls.CONTENT_TYPE, is_final=False)
        if name == INITIALIZATION:
            return await self.initialization(status)
        if (found := _NUMBERED.fullmatch(name)) is None:
            raise NotFound(f"An HLS stream has no file {name!r}.", hint=f"It begins with {PLAYLIST}.")
        return await self.fragment(status, int(found[1]))

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
        await in_thread(codec_of_hls)  # the first time, it loads a library
        began = looked = time.monotonic()
        has_waited = False
        while True:
            waited = time.monotonic() - began
            first = pause = min(max(_FIRST_LOOK_SHARE * waited, _FIRST_LOOK_SECONDS), _LOOK_SECONDS)
            job = await self._jobs.find(status)
            if job is not None:
                # What is missing of a job that has ended is missing for good, so it was looked for after that.
                is_over = status.state in TERMINAL_STATES
                pause = _LOOK_SECONDS if job.plan.fragments else first
                await job.look(self._store, unless_within_seconds=0.0 if is_over else pause)
            is_spoken = job is not None and job.is_spoken  # not in the thread: another request may be adding a chunk
            has_ended = is_spoken or status.state in TERMINAL_STATES
            is_there = job is not None and job.plan.fragments > awaited
            now = time.monotonic()
            if job is not None and is_there and has_waited and not awaited:
                self._segments.begin(job, 0)  # its first fragment is asked for next
            if has_ended or is_there or now - began >= patience_seconds:
                return await in_thread(partial(_written, status, job, is_spoken=is_spoken))
            await asyncio.sleep(pause + _MARGIN_SECONDS)
            has_waited = True
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
        return HlsFile(data, hls_files.CONTENT_TYPE, is_final=True)

    async def fragment(self, status: JobStatus, number: int) -> HlsFile:
        """One fragment.

        Raises:
            NotFound: it is not spoken, or there are not as many.
            AudioGone: what was spoken is no longer there.
            UnreadableJob, BadAudio: what the store has of it cannot be used.
            EncoderMissing: there is no encoder for AAC.
        """
        job = await self._jobs.find(status)
        if job is not None and job.plan.fragments <= number:
            await job.look(self._store)
        if job is None or job.plan.fragments <= number:
            raise NotFound(f"Job {status.job_id} has no fragment {number}.", hint="The playlist lists those there are.")
        cut = job.plan.cut(number)
        found = [await self._segments.find(job, index) for index in range(cut.chunks[0], cut.chunks[1] + 1)]
        channels = mastering.CHANNELS[job.manifest.request.loudness]
        try:
            data = await in_thread(
                partial(hls_files.fragment, job.plan, cut, [each for each, _ in found], channels=channels)
            )
        except BadAudio:
            # A chunk was lost and spoken again, with another length. What a player knows cannot be kept: either this
            # fragment is an error for good, or the next playlist differs from those before.
            self._jobs.forget(status.job_id)
            raise
        return HlsFile(data, hls_files.CONTENT_TYPE, is_final=all(is_final for _, is_final in found))


def _written(status: JobStatus, job: HlsJob | None, *, is_spoken: bool) -> str:
    """The playlist; the plan may grow meanwhile."""
    has_failed = status.state in {"failed", "cancelled"}
    if job is None or not job.plan.fragments:
        if has_failed:
            raise ended(status)
        if status.state != "completed":
            raise _nothing(status.job_id)
    if job is None or (status.state == "completed" and not is_spoken):
        raise AudioGone("The audio of the chunks is no longer in the store.", hint="Play the episode itself.")
    remark = ""
    if has_failed and not is_spoken:
        remark = f"The job is {status.state}, so this is not all of it: {status.error or 'no reason was given.'}"
    return hls.playlist(
        job.plan,
        initialization=INITIALIZATION,
        name=FRAGMENT,
        is_complete=is_spoken or has_failed,
        remark=remark,
    )


def _nothing(job_id: str) -> NothingSpoken:
    return NothingSpoken(f"Nothing of job {job_id} is spoken yet.", hint="Try again in a moment.")
