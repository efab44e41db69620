"""Commands that remove jobs: delete, prune. `delete --cancel` asks for `job.cancel` first."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, Final

import click
from rich.filesize import decimal

from services.cli import interrupts, printing, targets
from services.cli.backends.port import CommandBackend
from shared.client import watching
from shared.client.deleting import Removed
from shared.client.pruning import Pruned
from shared.errors import DeadlineExceeded
from shared.protocol.messages import TERMINAL_STATES

_CANCEL_PATIENCE_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1
_UNIT_SECONDS: Final = {"m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 7 * 86_400.0}


class Age(click.ParamType[float]):
    """A length of time such as 30d; in seconds."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds."""
        found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([mhdw])", str(value).strip())
        if not found:
            self.fail(f"{value!r} is no length of time; write 30d, 12h, 90m or 4w.", param, ctx)
        return float(found[1]) * _UNIT_SECONDS[found[2]]


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--cancel", is_flag=True, help="Stop the job first if it has not ended.")
@targets.on_a_stack
def delete(job_id: str, cancel: bool, directory: Path | None, as_json: bool) -> None:
    """Remove a job that has ended, and its episode.

    The audio of its single chunks, which other jobs may use, stays until `podcast prune`.
    """
    target = targets.named(directory, only_store=not cancel)
    watching.checked_id(job_id)

    async def work() -> Removed | None:
        async with target.opened() as backend:
            if cancel:
                await _stop(job_id, backend)
            return await backend.delete(job_id)

    removed = interrupts.run(work())
    if as_json:
        amount = {} if removed is None else {"objects": removed.objects, "bytes": removed.size_bytes}
        printing.say_json({"job_id": job_id, **amount}, indent=None)
    else:
        printing.say(f"deleted job {job_id}" + ("" if removed is None else f": {_amount(removed)}"))


@click.command()
@click.option(
    "--older-than",
    "older_than_seconds",
    type=Age(),
    required=True,
    metavar="AGE",
    help="Remove jobs that ended longer ago than this: 30d, 12h, 4w.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@targets.on_a_stack
def prune(older_than_seconds: float, dry_run: bool, directory: Path | None, as_json: bool) -> None:
    """Remove jobs that ended long ago, and audio that no job refers to.

    Audio that is younger than a job may take is kept, so that jobs may run meanwhile.
    """
    target = targets.named(directory, only_store=True)

    async def work() -> Pruned:
        async with target.opened() as backend:
            return await backend.prune(older_than_seconds=older_than_seconds, dry_run=dry_run)

    found = interrupts.run(work())
    if as_json:
        report = {
            "dry_run": dry_run,
            "jobs": found.ids,
            "job_objects": found.jobs.objects,
            "job_bytes": found.jobs.size_bytes,
            "audio_objects": found.audio.objects,
            "audio_bytes": found.audio.size_bytes,
            "preview_objects": found.previews.objects,
            "preview_bytes": found.previews.size_bytes,
        }
        printing.say_json(report)
        return
    verb = "would remove" if dry_run else "removed"
    jobs = f"{len(found.ids)} job{'s' * (len(found.ids) != 1)}"
    printing.say(f"{verb} {jobs}: {_amount(found.jobs)}")
    printing.say(f"{verb} audio that no job refers to: {_amount(found.audio)}")


async def _stop(job_id: str, backend: CommandBackend) -> None:
    """Request that the job is cancelled, and wait until it is.

    Raises:
        DeadlineExceeded: it has not been cancelled in time.
    """
    try:
        found = await backend.look(job_id)
    except watching.UnreadableJob:
        return  # nobody can stop it, and nobody is working on it
    if found is None or found.state in TERMINAL_STATES:
        return
    await backend.cancel(job_id, reason="deleted by the client")
    try:
        async with asyncio.timeout(_CANCEL_PATIENCE_SECONDS):
            while found is not None and found.state not in TERMINAL_STATES:
                await asyncio.sleep(_LOOK_SECONDS)
                found = await backend.look(job_id)
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"Job {job_id} was asked to stop and has not stopped within {_CANCEL_PATIENCE_SECONDS:g} s.",
            hint="Check with `podcast ps` that the coordinator runs, then delete it again.",
        ) from error


def _amount(removed: Removed) -> str:
    return f"{removed.objects} object{'s' * (removed.objects != 1)}, {decimal(removed.size_bytes)}"
