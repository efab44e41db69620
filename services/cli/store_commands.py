"""Commands that only read, and need no broker: status, fetch, jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from services.cli import columns, exits, interrupts, job_listing, printing, summary, targets
from shared.client import destinations, fetching
from shared.errors import BadInput
from shared.protocol.messages import JobState, JobStatus
from shared.text import printable


@click.command()
@click.argument("job_id", metavar="ID")
@targets.on_a_stack
def status(job_id: str, directory: Path | None, as_json: bool) -> None:
    """Show how a job stands."""
    target = targets.named(directory, only_store=True)

    async def work() -> tuple[JobStatus, list[str]]:
        async with target.opened() as backend:
            found = await backend.status(job_id)
            return found, summary.lines(found, await backend.manifest(job_id), {})

    found, lines = interrupts.run(work())
    if as_json:
        printing.say_json(found.model_dump(mode="json"))
        return
    printing.say("\n".join([f"{found.state}: {summary.one_line(found)}", *lines[1:]]))
    if found.error:
        printing.say(summary.failure(found))


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE|DIR",
    help="A file, whose suffix says which one; or a folder, for all of them. DIR/ is made if it is missing.",
)
@click.option(
    "--chapter-files", is_flag=True, help="Only the files of the chapters, which the job made of its own; into DIR."
)
@targets.on_a_stack
def fetch(job_id: str, output: str, chapter_files: bool, directory: Path | None, as_json: bool) -> None:
    """Copy what a finished job made to here.

    -o names a file (episode.mp3, episode.vtt), or a folder for all of the job's files.
    """
    to = destinations.destination(output)
    if chapter_files and not to.is_folder:
        raise BadInput(f"{output} is one file, for several chapters.", hint="Write DIR/ to have them in a folder.")
    target = targets.named(directory, only_store=True)

    async def work() -> tuple[dict[str, Path], bool]:
        async with target.opened() as backend:
            found = await backend.status(job_id)
            if found.state in {"failed", "cancelled"}:
                raise exits.JobFailed(summary.failure(found))
            if found.state != "completed":
                raise BadInput(
                    f"Job {job_id} has not ended yet ({found.state}).", hint=f"`podcast watch {job_id}` follows it."
                )
            if chapter_files:
                made = not to.path.exists()
                paths = await backend.fetch_chapters(to.path, found)
                return {path.name: path for path in paths}, made
            files = fetching.wanted(found, to)
            return files, await backend.fetch(files, found)

    files, made_folder = interrupts.run(work())
    if made_folder:
        printing.note(f"Made the folder {printable(str(to.path))}.")
    if as_json:
        printing.say_json({kind: str(path) for kind, path in files.items()})
    else:
        for path in files.values():
            printing.say(printable(str(path)))


@click.command()
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many to show.")
@click.option("--before", default="", metavar="ID", help="Go on below this job, which was the last one shown.")
@click.option(
    "--state",
    "states",
    type=click.Choice(get_args(JobState)),
    multiple=True,
    help="Only jobs in this state; may be repeated.",
)
@targets.on_a_stack
def jobs(limit: int, before: str, states: tuple[Any, ...], directory: Path | None, as_json: bool) -> None:
    """List the jobs, newest first."""
    target = targets.named(directory, only_store=True)

    async def work() -> job_listing.Page:
        async with target.opened() as backend:
            return await backend.page(limit=limit, before=before, states=frozenset(states) or None)

    found = interrupts.run(work())
    if as_json:
        printing.say_json([job.document() for job in found.jobs])
    elif found.jobs:
        printing.say(job_listing.table(found.jobs, width=columns.terminal_width()))
    else:
        printing.note("There are no such jobs." if states or before else "There are no jobs.")
    if found.unreadable:
        printing.note(f"{found.unreadable} more cannot be read; `podcast status ID` says why.")
    if found.next:
        chosen = "".join(f" --state {state}" for state in states)
        printing.note(f"There are more: `podcast jobs -n {limit}{chosen} --before {found.next}` goes on.")
