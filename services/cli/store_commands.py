"""Commands that only read the store: status, fetch, jobs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from services.cli import exits, interrupts, summary, targets
from shared.client import fetching, job_pages, watching
from shared.errors import BadInput
from shared.protocol.messages import JobStatus


@click.command()
@click.argument("job_id", metavar="ID")
@targets.on_a_stack
def status(job_id: str, directory: Path | None, as_json: bool) -> None:
    """Show how a job stands."""
    settings = targets.named_stack(directory, only_store=True)

    async def work() -> tuple[JobStatus, list[str]]:
        store = await targets.reachable_store(settings)
        found = await watching.known(store, job_id)
        return found, summary.lines(found, await summary.manifest(store, job_id), {})

    found, lines = interrupts.run(work())
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    click.echo("\n".join([f"{found.state}: {summary.one_line(found)}", *lines[1:]]))
    if found.error:
        click.echo(summary.failure(found))


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE|DIR",
    help="A file, whose suffix says which one of the job's; or a folder, for all of them.",
)
@targets.on_a_stack
def fetch(job_id: str, output: str, directory: Path | None, as_json: bool) -> None:
    """Copy a finished episode to a file, or all that the job made to a folder."""
    settings = targets.named_stack(directory, only_store=True)
    target = fetching.destination(output)

    async def work() -> dict[str, Path]:
        store = await targets.reachable_store(settings)
        found = await watching.known(store, job_id)
        if found.state in {"failed", "cancelled"}:
            raise exits.JobFailed(summary.failure(found))
        if found.state != "completed":
            raise BadInput(
                f"Job {job_id} has not ended yet ({found.state}).", hint=f"`podcast watch {job_id}` follows it."
            )
        files = fetching.wanted(found, target)
        await fetching.fetch(store, files, found)
        return files

    files = interrupts.run(work())
    if as_json:
        click.echo(json.dumps({kind: str(path) for kind, path in files.items()}, indent=2))
    else:
        for path in files.values():
            click.echo(path)


@click.command()
@click.option("-n", "--limit", type=click.IntRange(1), default=100, show_default=True, help="How many to show.")
@targets.on_a_stack
def jobs(limit: int, directory: Path | None, as_json: bool) -> None:
    """List the jobs, newest first."""
    settings = targets.named_stack(directory, only_store=True)

    async def work() -> job_pages.JobsPage:
        return await job_pages.jobs_page(await targets.reachable_store(settings), limit=limit)

    found = interrupts.run(work())
    if as_json:
        click.echo(json.dumps([status.model_dump(mode="json") for status in found.jobs], indent=2))
    else:
        for found_status in found.jobs:
            click.echo(summary.one_line(found_status))
    for job_id in found.unreadable:
        click.echo(f"{job_id}  its status cannot be read", err=True)
