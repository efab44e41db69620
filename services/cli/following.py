"""Hands over one job, follows it to its end and fetches its files; cancels it if the command is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.cli import player, printing
from services.cli.backends.port import CommandBackend, HandedOver
from services.cli.progress_display import Display
from shared.client import submission
from shared.errors import PodcastError
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobStatus

_CANCEL_SECONDS = 3.0
"""To cancel the job on a running stack."""


@dataclass(frozen=True)
class Result:
    """A job that has ended, and its files."""

    status: JobStatus
    manifest: Manifest | None
    outputs: dict[str, Path]


async def rendered(
    draft: submission.Draft,
    chosen_id: str | None,
    backend: CommandBackend,
    outputs: dict[str, Path],
    shown: Display,
    *,
    chapters_to: Path | None = None,
    played_by: Sequence[str] | None = None,
) -> Result:
    """Submit the job, follow it to its end, and fetch its files.

    Args:
        draft: the job.
        chosen_id: the id that the user has chosen for it.
        backend: the system.
        outputs: kind → path of each file that is wanted.
        shown: where progress is shown.
        chapters_to: the folder for a file of each chapter; None: they are not wanted.
        played_by: the player that plays it meanwhile; None: none.
    """
    handing_over = asyncio.create_task(backend.submit(draft, chosen_id=chosen_id))
    try:
        # Shielded: we must know whether there is a job to cancel.
        job = await asyncio.shield(handing_over)
    except asyncio.CancelledError:
        await _cancel(handing_over, backend, shown)
        raise
    async with player.playing(played_by, lambda: backend.spoken(job.job_id, "wav")) as heard:
        try:
            status = await followed(job.job_id, backend, shown)
        except asyncio.CancelledError:
            await _cancel(handing_over, backend, shown)
            raise
        manifest = await backend.manifest(job.job_id)
        if status.state != "completed":
            return Result(status, manifest, {})
        await backend.fetch(outputs, status)
        if chapters_to is not None:
            outputs = outputs | {path.name: path for path in await backend.fetch_chapters(chapters_to, status)}
        await player.to_the_end(heard, printing.note)
    return Result(status, manifest, outputs)


async def followed(job_id: str, backend: CommandBackend, shown: Display) -> JobStatus:
    """Follow a job to its end: its last status."""
    status: JobStatus | None = None
    async for status in backend.follow(job_id, retried=shown.retried, say=shown.say):
        shown.show(status)
    if status is None:
        raise RuntimeError("following a job ends with its last status")
    return status


async def _cancel(handing_over: asyncio.Task[HandedOver], backend: CommandBackend, shown: Display) -> None:
    shown.say("interrupted: cancelling the job")
    try:
        async with asyncio.timeout(_CANCEL_SECONDS):
            job = await handing_over
            await backend.cancel(job.job_id, reason="interrupted by the client")
    except (PodcastError, TimeoutError) as error:
        shown.say(f"The job could not be cancelled: {error or 'the system does not answer.'} See `podcast cancel`.")
