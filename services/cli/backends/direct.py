"""The backend of whoever can reach the broker and the store: publishes what clients publish."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli import job_listing, speech_servers
from services.cli.backends.paused_queues import said_with
from services.cli.backends.port import HandedOver, Retried, Say
from services.cli.backends.reachable import reachable_store
from shared.client import (
    broker,
    chapter_folder,
    deleting,
    fetching,
    preview_answers,
    previewing,
    pruning,
    submission,
    watching,
)
from shared.client.deleting import Removed
from shared.client.pruning import Pruned
from shared.client.submission import Draft
from shared.errors import NotFound
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobCancelRequested, JobResumeRequested, JobState, JobStatus, Message
from shared.protocol.preview import Preview
from shared.protocol.reading import read
from shared.settings import Settings
from shared.store import job_manifest, queue_states
from shared.store.port import Store

if TYPE_CHECKING:
    from shared.audio.stream_encoding import StreamFormat
    from shared.client.hls_stream import HlsStreams


class DirectBackend:
    """The broker and the store of a stack.

    Args:
        settings: with their addresses.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None
        self._hls: HlsStreams | None = None

    async def submit(self, draft: Draft, *, chosen_id: str | None) -> HandedOver:  # noqa: ARG002 - the draft has it
        """Put what the job needs into the store, and publish it."""
        async with broker.opened(self._settings) as client:
            is_new = await submission.hand_over(draft, store=await self._reachable(), publish=client.publish)
        return HandedOver(draft.request.job_id, is_new)

    async def preview(self, draft: Draft) -> Preview:
        """Publish preview.requested, and wait for the answer in the store."""
        asked = await previewing.draft_with_show(draft, await self._reachable(), self._settings)
        async with broker.opened(self._settings) as client:
            return await preview_answers.obtain(
                asked,
                store=await self._reachable(),
                publish=client.publish,
                waiting_limit=self._settings.gateway_previews_waiting_limit,
            )

    async def status(self, job_id: str) -> JobStatus:
        """The status that the store has."""
        return await watching.known(await self._reachable(), job_id)

    async def look(self, job_id: str) -> JobStatus | None:
        """The status that the store has, if any."""
        return await watching.look(await self._reachable(), job_id)

    async def follow(self, job_id: str, *, retried: Retried, say: Say) -> AsyncIterator[JobStatus]:
        """Each new status: read from the store, and sooner from the events."""
        store = await self._reachable()
        async with (
            broker.opened(self._settings) as client,
            client.events(job_id, retried=retried) as events,
            contextlib.aclosing(
                watching.follow(
                    job_id, store=store, events=events, limit_seconds=self._settings.job_deadline_seconds, say=say
                )
            ) as statuses,
        ):
            async for status in said_with(statuses, say, self._paused):
                yield status

    async def _paused(self) -> dict[str, str]:
        states = await queue_states.of_all(await self._reachable())
        return {name: state.reason for name, state in states.items() if state.is_paused}

    async def manifest(self, job_id: str) -> Manifest | None:
        """The manifest that the store has."""
        store = await self._reachable()
        with contextlib.suppress(NotFound):
            return read(Manifest, await job_manifest.read_bytes(store, job_id), strict=False)
        return None

    async def cancel(self, job_id: str, *, reason: str) -> None:
        """Publish job.cancel, over a new connection, which is certainly alive."""
        await self._publish(JobCancelRequested(job_id=job_id, reason=reason[:500]))

    async def resume(self, job_id: str) -> None:
        """Publish job.resume."""
        await self._publish(JobResumeRequested(job_id=job_id))

    async def page(self, *, limit: int, before: str, states: frozenset[JobState] | None) -> job_listing.Page:
        """A page of the jobs in the store."""
        if before:
            watching.checked_id(before)
        return await job_listing.page(await self._reachable(), limit=limit, before=before, states=states)

    async def delete(self, job_id: str) -> Removed:
        """Remove a job's objects from the store."""
        return await deleting.delete_job(await self._reachable(), job_id)

    async def prune(self, *, older_than_seconds: float, dry_run: bool) -> Pruned:
        """Remove old jobs and audio from the store."""
        return await pruning.prune(
            await self._reachable(),
            older_than_seconds=older_than_seconds,
            job_deadline_seconds=self._settings.job_deadline_seconds,
            dry_run=dry_run,
        )

    async def fetch(self, files: Mapping[str, Path], status: JobStatus) -> bool:
        """Copy files out of the store."""
        return await fetching.fetch(await self._reachable(), files, status)

    async def fetch_chapters(self, folder: Path, status: JobStatus) -> list[Path]:
        """Copy the archive of the chapters out of the store, and unpack it."""
        return await chapter_folder.fetch_chapters(fetching.getter(await self._reachable(), status), folder, status)

    async def spoken(self, job_id: str, audio_format: StreamFormat) -> AsyncGenerator[bytes, None]:
        """Read along with the store."""
        from shared.client.spoken_stream import SpokenStream  # noqa: PLC0415 - with numpy, which few commands need

        stream = SpokenStream(
            await self._reachable(),
            job_id,
            audio_format,
            patience_seconds=self._settings.job_deadline_seconds,
            default_rate=self._settings.sample_rate,
        )
        async with contextlib.aclosing(stream.pieces()) as pieces:
            async for piece in pieces:
                yield piece

    async def hls(self, job_id: str, name: str, *, awaited: int) -> bytes:
        """Made of what the store has."""
        if self._hls is None:
            from shared.client.hls_stream import HlsStreams  # noqa: PLC0415 - with numpy, as above

            store, turns = await self._reachable(), asyncio.Semaphore(1)
            self._hls = HlsStreams(store, default_rate=self._settings.sample_rate, turns=turns)
        return (await self._hls.file(await self.status(job_id), name, awaited=awaited)).data

    async def check_engine(self, engine: str) -> None:
        """Ask the speech servers that the settings name."""
        await speech_servers.check_engine(self._settings, engine)

    async def _reachable(self) -> Store:
        if self._store is None:
            self._store = await reachable_store(self._settings)
        return self._store

    async def _publish(self, message: Message) -> None:
        async with broker.opened(self._settings) as client:
            await client.publish(message)
