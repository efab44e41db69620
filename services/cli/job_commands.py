"""Commands that talk to a running stack about a job: submit, watch, cancel; none waits longer than a job may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from services.cli import (
    batch,
    durations,
    early_warnings,
    exits,
    interrupts,
    job_options,
    player,
    printing,
    progress_display,
    source_arguments,
    summary,
    targets,
)
from shared.client import sources as reading
from shared.client import submission
from shared.errors import BadInput
from shared.protocol.messages import TERMINAL_STATES, JobStatus
from shared.text import one_line

_CANCEL_PATIENCE_SECONDS = 10.0
"""The coordinator answers in milliseconds when it runs; if it does not, the request waits in its queue."""


@click.command()
@source_arguments.several
@job_options.of_a_job
@job_options.formats_option
@job_options.chapter_files_option
@click.option(
    "--warnings-wait",
    type=click.FloatRange(min=0, max=600),
    default=early_warnings.WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for what is wrong with the document to be known; 0: not at all.",
)
@targets.on_a_stack
def submit(  # noqa: PLR0917 - click passes them by name
    sources: tuple[str, ...],
    formats: tuple[Any, ...],
    chapter_files: bool,
    warnings_wait: float,
    directory: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Hand a document over as a job; print its id.

    SOURCE is a file, a folder of documents, an http(s) address, or - for stdin. Each of several is a job of its own;
    one that fails stops no other. What is not as it should be, such as a voice of another language, is said as soon as
    the document is read, if that is soon.
    """
    sources, options = source_arguments.checked(sources, options)
    target = targets.named(directory)
    settings = target.settings
    order = job_options.order(options, tuple(dict.fromkeys(formats)) or ("mp3",), chapter_files=chapter_files)
    if len(sources) > 1:
        wanted = batch.Batch(order, (), Path(), settings, options["source_format"])

        async def all_of_them() -> list[batch.Outcome]:
            async with target.opened() as backend:
                return await batch.submit(wanted, sources, backend, warnings_wait=warnings_wait)

        outcomes = interrupts.run(all_of_them())
        for outcome in outcomes:
            _say_warnings(outcome.warnings, of=outcome.source)
        batch.report(outcomes, as_json=as_json)
        return
    found = reading.find(sources[0], limit_bytes=settings.source_limit_bytes, source_format=options["source_format"])
    draft = submission.draft(order, found, text_limit_characters=settings.text_limit_characters)

    async def work() -> tuple[str, tuple[str, ...]]:
        async with target.opened() as backend:
            job = await backend.submit(draft, chosen_id=options["job_id"])
            if not as_json:
                printing.say(job.job_id)  # whatever becomes of the rest
            if not job.is_new:
                printing.note(f"There is a job {job.job_id} already; the first one counts.")
                return job.job_id, ()
            warnings = await early_warnings.of_jobs(backend, [job.job_id], seconds=warnings_wait)
            return job.job_id, warnings.get(job.job_id, ())

    job_id, warnings = interrupts.run(work())
    _say_warnings(warnings)
    if as_json:
        printing.say_json({"job_id": job_id, **({"warnings": list(warnings)} if warnings else {})}, indent=None)


def _say_warnings(warnings: tuple[str, ...], *, of: str = "") -> None:
    for warning in warnings:
        printing.note(one_line(f"{f'{of}: ' if of else ''}warning: {warning}"))


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@player.play_option
@targets.on_a_stack
def watch(job_id: str, quiet: bool, play: bool, directory: Path | None, as_json: bool) -> None:
    """Follow a job until it ends."""
    target = targets.named(directory)
    found = player.command() if play else None

    async def work() -> JobStatus:
        async with target.opened() as backend:
            status = await backend.status(job_id)
            async with player.playing(found, lambda: backend.spoken(job_id, "wav")) as heard:
                if status.state not in TERMINAL_STATES:
                    with progress_display.display(quiet=quiet) as shown:
                        async for news in backend.follow(job_id, retried=shown.retried, say=shown.say):
                            shown.show(news)
                            status = news
                if status.state == "completed":
                    await player.to_the_end(heard, printing.note)
            return status

    try:
        status = interrupts.run(work())
    except exits.Interrupted as error:
        raise exits.Interrupted("Interrupted.", hint=f"The job goes on; `podcast cancel {job_id}` stops it.") from error
    if as_json:
        printing.say_json(status.model_dump(mode="json"))
    if status.state != "completed":
        raise exits.JobFailed(summary.failure(status))
    if not as_json:
        _say_warnings(status.warnings)
        printing.say(f"completed: {durations.length(status.audio_seconds)} of audio")


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--reason", default="cancelled by the client", show_default=True, help="Why; the job's status keeps it.")
@targets.on_a_stack
def cancel(job_id: str, reason: str, directory: Path | None, as_json: bool) -> None:
    """Stop a job."""
    target = targets.named(directory)

    async def work() -> JobStatus:
        async with target.opened() as backend:
            found = await backend.status(job_id)
            if found.state in TERMINAL_STATES:
                return found
            await backend.cancel(job_id, reason=reason)
            return await _until_ended(found, lambda: backend.look(job_id))

    found = interrupts.run(work())
    if as_json:
        printing.say_json(found.model_dump(mode="json"))
    if found.state in {"completed", "failed"}:
        raise BadInput(f"Job {job_id} had ended before ({found.state}).", hint="There is nothing to cancel.")
    if not as_json:
        printing.say("cancelled" if found.state == "cancelled" else "asked to stop; it will when a coordinator runs")


async def _until_ended(found: JobStatus, look: Callable[[], Any]) -> JobStatus:
    """The job's final status, or its current one when waiting has taken too long."""
    try:
        async with asyncio.timeout(_CANCEL_PATIENCE_SECONDS):
            while found.state not in TERMINAL_STATES:
                await asyncio.sleep(0.1)
                found = await look() or found
    except TimeoutError:
        pass
    return found
