"""What an HLS stream needs to know of a job: its manifest, and how long the chunks are that were spoken.

It is derived from the store, so any process answers the same; what is remembered here only saves reading it again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from functools import partial
from typing import Final

from pydantic import ValidationError

from shared.audio import chunk_audio
from shared.audio.joining.hls import HlsPlan
from shared.client.watching import UnreadableJob
from shared.concurrency import gathered
from shared.deadlines import in_thread
from shared.errors import BadAudio, NotFound
from shared.protocol import reading
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobStatus
from shared.store import job_manifest, keys
from shared.store.port import Store

REMEMBERED_BYTES: Final = 12_000_000
"""Of manifests as they are stored; in memory they take five times as much. The latest job is remembered in any case."""
_LOOKS_AT_A_TIME: Final = 16


class HlsJob:
    """One job, as far as it is spoken.

    Attributes:
        manifest: what it speaks.
        plan: where the chunks that are spoken are.
        size: bytes of the manifest.
        version: of the job: a retry may have corrected its text.
        corrected: tag of the corrected manifest; None if there was none.
    """

    def __init__(
        self, manifest: Manifest, *, rate: int, size: int, version: float | None, corrected: str | None
    ) -> None:
        self.manifest = manifest
        self.plan = HlsPlan(rate)
        self.size = size
        self.version = version
        self.corrected = corrected
        self._turn = asyncio.Lock()
        self._looked = -math.inf

    @property
    def is_spoken(self) -> bool:
        """Whether all of it is."""
        return self.plan.chunks == len(self.manifest.chunks)

    async def look(self, store: Store, *, unless_within_seconds: float = 0.0) -> None:
        """Look for what has been spoken since. If this is cancelled, the next look goes on from there.

        Args:
            store: where it is.
            unless_within_seconds: several players wait for the same chunk; if one has just looked, that is enough.

        Raises:
            BadAudio: a chunk is damaged, or of another sample rate.
        """
        async with self._turn:  # two requests would add the same chunk twice
            if time.monotonic() - self._looked < unless_within_seconds:
                return
            chunks = self.manifest.chunks
            some = 1  # most looks are for the next chunk, which is not there
            is_waiting = False
            while not (self.is_spoken or is_waiting):
                first = self.plan.chunks
                length = partial(_samples, self.manifest, store, self.plan.rate)
                indexes = range(first, min(len(chunks), first + some))
                for samples in await gathered(length, indexes, at_a_time=_LOOKS_AT_A_TIME):
                    is_waiting = samples is None
                    if samples is None:
                        break
                    chunk = chunks[self.plan.chunks]
                    is_last = self.plan.chunks + 1 == len(chunks)
                    self.plan.add(samples, self.manifest.pause_ms(chunk), is_last=is_last)
                some = _LOOKS_AT_A_TIME
            self._looked = time.monotonic()


class HlsJobs:
    """The jobs that were asked for last.

    Args:
        store: where they are.
        default_rate: sample rate of a manifest that names none, Hz.
        turns: held while a manifest is read, which takes memory.
    """

    def __init__(self, store: Store, *, default_rate: int, turns: asyncio.Semaphore) -> None:
        self._store = store
        self._default_rate = default_rate
        self._turns = turns
        self._known: OrderedDict[str, HlsJob] = OrderedDict()

    async def find(self, status: JobStatus) -> HlsJob | None:
        """A job; None if it is not chunked yet.

        Raises:
            UnreadableJob: its manifest cannot be read.
            StoreDown: the store does not answer.
        """
        if (known := await self._remembered(status)) is not None:
            return known
        async with self._turns:
            if (known := await self._remembered(status)) is not None:
                return known
            corrected = await self._corrected(status.job_id)  # before the manifest: if it changes now, it is read again
            try:
                data = await job_manifest.read_bytes(self._store, status.job_id)
                manifest = await in_thread(partial(reading.read, Manifest, data, strict=False))
            except NotFound:
                return None
            except ValidationError as error:
                raise UnreadableJob(
                    f"The manifest of job {status.job_id} cannot be read.", hint="Submit the job again."
                ) from error
        rate = manifest.sample_rate or self._default_rate
        job = HlsJob(manifest, rate=rate, size=len(data), version=status.resumed_at, corrected=corrected)
        self._known[status.job_id] = job
        while len(self._known) > 1 and sum(each.size for each in self._known.values()) > REMEMBERED_BYTES:
            self._known.popitem(last=False)
        return job

    def forget(self, job_id: str) -> None:
        """Look at everything of a job anew when it is asked for next."""
        self._known.pop(job_id, None)

    async def _remembered(self, status: JobStatus) -> HlsJob | None:
        job = self._known.get(status.job_id)
        if job is None or job.version != status.resumed_at:
            return None
        self._known.move_to_end(status.job_id)
        # A replayed dead letter may correct a chunk that is not spoken, while the job is under way.
        if not job.is_spoken and job.corrected != await self._corrected(status.job_id):
            return None
        return job

    async def _corrected(self, job_id: str) -> str | None:
        found = await self._store.state(keys.corrected_manifest(job_id))
        return None if found is None else found.tag


async def _samples(manifest: Manifest, store: Store, rate: int, index: int) -> int | None:
    """How long a chunk is; None if it is not spoken.

    Raises:
        BadAudio: it is damaged, or of another sample rate.
    """
    try:
        start = await store.get_range(manifest.chunks[index].audio_key, 0, chunk_audio.LENGTH_BYTES)
    except NotFound:
        return None
    samples, found = chunk_audio.read_length(start)
    if found != rate:
        raise BadAudio(f"Chunk {index} has {found} Hz instead of {rate} Hz.")
    return samples
