"""Reads along with a job: its chunks in order, each as soon as it is spoken. Answers from the store alone.

A chunk is spoken when its object exists, so nothing is remembered and any gateway can go on where another was cut off.
It looks again after 5 % of the time that it has waited, so at most that much is lost, and a long wait costs little.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from pydantic import ValidationError

from shared.client import watching
from shared.deadlines import in_thread
from shared.errors import BadInput, BadSource, Conflict, NotFound, Permanent, SpeechDown, StoreDown
from shared.protocol import reading
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobStatus
from shared.store import job_manifest
from shared.store.port import Store

T = TypeVar("T")

_SHORTEST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.5
_PAUSE_SHARE: Final = 0.05
_STATUS_SECONDS: Final = 0.5
"""How often the job's status is read while a chunk is waited for."""
_CHUNK: Final = "chunk"


class NotSpoken(Permanent):
    """The job has ended without this text spoken: a chunk became a dead letter, or it was cancelled."""


class AudioGone(Conflict):
    """The job is complete, but audio of its chunks is no longer in the store."""


@dataclass(frozen=True)
class AwaitedChunk:
    """Where a chunk's audio is or will be, and the silence after it."""

    audio_key: str
    pause_ms: int


class ReadingAlong:
    """One job, as it is spoken.

    Args:
        store: where it is.
        job_id: of the job.
        patience_seconds: the longest wait for the next chunk.
        default_rate: sample rate of a manifest that names none, Hz.
    """

    def __init__(self, store: Store, job_id: str, *, patience_seconds: float, default_rate: int) -> None:
        self._store = store
        self._job_id = job_id
        self._patience_seconds = patience_seconds
        self._default_rate = default_rate

    async def parts(self) -> tuple[int, list[AwaitedChunk]]:
        """The sample rate and the chunks in order, once the text has been split.

        Raises:
            BadSource: there is nothing to speak in it, or it cannot be read.
            SpeechDown: not within the patience.
        """

        async def manifest() -> bytes:
            return await job_manifest.read_bytes(self._store, self._job_id)

        data = await self._waited(manifest, index=None)
        return await in_thread(partial(_parts, data, self._job_id, self._default_rate))

    async def chunks(self, parts: list[AwaitedChunk]) -> AsyncGenerator[tuple[bytes, int], None]:
        """Each chunk's stored audio with the silence after it in milliseconds, in order.

        Raises:
            NotSpoken: one cannot be spoken.
            AudioGone: one was spoken and removed.
            SpeechDown: the next one was not spoken within the patience.
        """
        for index, part in enumerate(parts):
            audio = await self._waited(partial(self._store.get, part.audio_key), index=index)
            yield audio, part.pause_ms if index + 1 < len(parts) else 0

    async def _waited(self, get: Callable[[], Awaitable[T]], *, index: int | None) -> T:
        """What `get` returns, once it is there."""
        began = time.monotonic()
        next_look = began + _STATUS_SECONDS
        trouble: StoreDown | None = None
        while True:
            try:
                return await get()
            except NotFound:
                trouble = None
            except StoreDown as error:  # the job survives it, so this does too, for a while
                trouble = error
            waited_seconds = time.monotonic() - began
            if waited_seconds > self._patience_seconds:
                raise trouble or SpeechDown(
                    f"No speech was produced for {self._patience_seconds:g} s. The job continues.",
                    hint="Repeat the request: finished speech is not synthesized again.",
                )
            if time.monotonic() >= next_look and trouble is None:
                if await self._has_ended(index):
                    try:
                        return await get()
                    except NotFound:
                        raise AudioGone("The audio is no longer in the store.", hint="Repeat the request.") from None
                next_look = time.monotonic() + _STATUS_SECONDS
            pause_seconds = waited_seconds * _PAUSE_SHARE
            await asyncio.sleep(min(max(pause_seconds, _SHORTEST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS))

    async def _has_ended(self, index: int | None) -> bool:
        """Whether the job is complete.

        Raises:
            NotSpoken, BadSource: what is waited for will not come.
        """
        try:
            status = await watching.look(self._store, self._job_id)
        except (StoreDown, watching.UnreadableJob):
            return False
        if status is None:
            return False
        for failure in status.failures:
            if failure.kind == _CHUNK and failure.index == index:
                raise NotSpoken(f"A part of the text cannot be spoken: {failure.reason}")
        if status.state in {"failed", "cancelled"}:
            raise ended(status)
        return status.state == "completed"


def ended(status: JobStatus) -> NotSpoken | BadSource:
    """Why nothing more will be spoken of a job that has failed or was cancelled."""
    if status.state == "cancelled":
        return NotSpoken(f"The job was cancelled: {status.error or 'no reason was given.'}", hint="Repeat the request.")
    if not status.chunks.total:
        return BadSource(status.error or "The text cannot be read.")
    return NotSpoken(status.error or "The text cannot be spoken.")


def _parts(data: bytes, job_id: str, default_rate: int) -> tuple[int, list[AwaitedChunk]]:
    try:
        manifest = reading.read(Manifest, data, strict=False)
    except ValidationError as error:
        raise BadInput(f"The manifest of job {job_id} cannot be read.") from error
    parts = [AwaitedChunk(chunk.audio_key, manifest.pause_ms(chunk)) for chunk in manifest.chunks]
    return manifest.sample_rate or default_rate, parts
