"""`podcast render`: one document in, one audio file out, on a running stack or on its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import click

from services.cli import exits, interrupts, job_options, printing, summary, targets
from services.cli.backends.port import CommandBackend, HandedOver
from services.cli.progress_display import Display, display
from shared.client import destinations, fetching, submission
from shared.client import sources as reading
from shared.errors import BadInput, PodcastError
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobStatus
from shared.settings import Engine

_CANCEL_SECONDS = 3.0
"""To cancel the job on a running stack."""
_GRACE_SECONDS = 20.0
"""After Ctrl-C: to cancel the job and to stop the command's own stack. A second Ctrl-C does not wait."""


@dataclass(frozen=True)
class Result:
    """A job that has ended, and its files."""

    status: JobStatus
    manifest: Manifest | None
    outputs: dict[str, Path]


@click.command()
@click.argument("source")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="OUT",
    help="The file to make; .mp3, .m4b, .opus, .flac or .wav says in which format.",
)
@job_options.of_a_job
@job_options.formats_option
@click.option("--captions", is_flag=True, help="Also write OUT's captions (.vtt) and chapters (.chapters.json).")
@click.option("--speech-url", metavar="URL[,URL]", help="Speech servers to use, on a stack of this command's own.")
@click.option(
    "--synthesizers", type=click.IntRange(1, 64), help="Processes that speak, on a stack of this command's own."
)
@click.option(
    "--engine",
    type=click.Choice(get_args(Engine)),
    help="What speaks: the engine of a stack of this command's own, or one that the running stack's speech server has.",
)
@targets.directory_option
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the summary.")
def render(  # noqa: PLR0917 - click passes them by name
    source: str,
    output: Path,
    formats: tuple[Any, ...],
    captions: bool,
    speech_url: str | None,
    synthesizers: int | None,
    engine: str | None,
    directory: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Make an episode of a document or a page.

    SOURCE is a file, a folder of documents, an http(s) address, or - for stdin. OUT's suffix says in which format;
    each further --format is written beside it. Uses the system that --api, the environment (PODCAST_AMQP_URL with
    PODCAST_STORE_URL, or PODCAST_API_URL) or a running `podcast up` names. Where there is none, or where --speech-url
    or --synthesizers asks for it, brings up its own for this one job.
    """
    kinds = tuple(dict.fromkeys((fetching.audio_format(output), *formats)))
    output = destinations.made_ready(output)
    order = job_options.order(options, kinds)
    settings = targets.settings_in(directory)
    found = reading.find(source, limit_bytes=settings.source_limit_bytes, source_format=options["source_format"])
    draft = submission.draft(order, found, text_limit_characters=settings.text_limit_characters)
    outputs = {kinds[0]: output} | {
        kind: fetching.beside(output, kind) for kind in (*kinds[1:], *(fetching.CAPTIONS if captions else ()))
    }
    if engine is not None and options["model"] is not None:
        raise BadInput("--engine and --model ask for two things.", hint="Give one of them.")
    plan = targets.Plan(directory=directory, speech_url=speech_url, synthesizers=synthesizers, engine=engine)

    async def work() -> Result:
        with display(quiet=quiet) as shown:
            async with targets.for_one_job(plan, settings, say=shown.say) as target, target.opened() as backend:
                if engine is None:
                    return await _render(draft, order.job_id, backend, outputs, shown)
                await backend.check_engine(engine)
                request = draft.request.model_copy(update={"model": engine})
                return await _render(replace(draft, request=request), order.job_id, backend, outputs, shown)

    result = interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    if as_json:
        printing.say_json(summary.document(result.status, result.manifest, result.outputs))
    if result.status.state != "completed":
        raise exits.JobFailed(summary.failure(result.status))
    if not as_json:
        printing.say("\n".join(summary.lines(result.status, result.manifest, result.outputs)))


async def _render(
    draft: submission.Draft, chosen_id: str | None, backend: CommandBackend, outputs: dict[str, Path], shown: Display
) -> Result:
    """Submit the job, follow it to its end, and fetch its files."""
    handing_over = asyncio.create_task(backend.submit(draft, chosen_id=chosen_id))
    try:
        # Shielded: we must know whether there is a job to cancel.
        job = await asyncio.shield(handing_over)
        status = await _followed(job.job_id, backend, shown)
    except asyncio.CancelledError:
        await _cancel(handing_over, backend, shown)
        raise
    manifest = await backend.manifest(job.job_id)
    if status.state != "completed":
        return Result(status, manifest, {})
    await backend.fetch(outputs, status)
    return Result(status, manifest, outputs)


async def _followed(job_id: str, backend: CommandBackend, shown: Display) -> JobStatus:
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
