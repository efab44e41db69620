"""`podcast render`: documents in, audio files out, on a running stack or on its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import click

from services.cli import (
    batch,
    exits,
    following,
    interrupts,
    job_options,
    player,
    printing,
    source_arguments,
    summary,
    targets,
)
from services.cli.following import Result
from services.cli.progress_display import display
from shared.client import destinations, fetching, submission
from shared.client import sources as reading
from shared.client.chapter_folder import ARCHIVE
from shared.errors import BadInput
from shared.protocol.messages import AudioFormat
from shared.settings import Engine

_GRACE_SECONDS = 20.0
"""After Ctrl-C: to cancel the jobs and to stop the command's own stack. A second Ctrl-C does not wait."""


@click.command()
@source_arguments.several
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="OUT",
    help="The file to make; .mp3, .m4b, .opus, .flac or .wav says in which format, .zip is a file of each chapter."
    " FOLDER/ for several sources.",
)
@job_options.of_a_job
@job_options.formats_option
@job_options.chapter_files_option
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
@player.play_option
@targets.directory_option
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of the summary.")
def render(  # noqa: PLR0917 - click passes them by name
    sources: tuple[str, ...],
    output: str,
    formats: tuple[AudioFormat, ...],
    chapter_files: bool,
    captions: bool,
    speech_url: str | None,
    synthesizers: int | None,
    engine: str | None,
    play: bool,
    directory: Path | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Make an episode of a document or a page, or one of each of several.

    SOURCE is a file, a folder of documents, an http(s) address, or - for stdin. OUT's suffix says in which format; each
    further --format is written beside it. With several sources, or OUT as FOLDER/, each becomes an episode in that
    folder, named after it; one that fails stops no other. With --chapter-files, FOLDER/ gets a file of each chapter
    instead, in the first --format; of several sources, each has a folder of its own there. Uses the system that --api,
    the environment (PODCAST_AMQP_URL with PODCAST_STORE_URL, or PODCAST_API_URL) or a running `podcast up` names. Where
    there is none, or where --speech-url or --synthesizers asks for it, brings up its own for this one command.
    """
    sources, options = source_arguments.checked(sources, options)
    if engine is not None and options["model"] is not None:
        raise BadInput("--engine and --model ask for two things.", hint="Give one of them.")
    plan = targets.Plan(directory=directory, speech_url=speech_url, synthesizers=synthesizers, engine=engine)
    settings = targets.settings_in(directory)
    files = fetching.CAPTIONS if captions else ()
    several = len(sources) > 1 or output.endswith("/")
    if several and play:
        raise BadInput("--play is for one source.", hint="Leave it out, or name one source and one file.")
    played_by = player.command() if play else None
    if several:
        kinds = tuple(dict.fromkeys(formats)) or ("mp3",)
        order = job_options.order(options, kinds, chapter_files=chapter_files)
        fetched = (*(kinds[1:] if chapter_files else kinds), *files)
        to_folder = batch.folder(output)
        wanted = batch.Batch(order, fetched, to_folder, settings, options["source_format"], chapter_files)
        outcomes = interrupts.run(batch.render(wanted, sources, plan, quiet=quiet), grace_seconds=_GRACE_SECONDS)
        batch.report(outcomes, as_json=as_json)
        return
    to = Path(output)
    is_archive = to.suffix.lower() == f".{ARCHIVE}"
    if chapter_files and not is_archive:
        raise BadInput(
            f"{output} is one file, for several chapters.",
            hint=f"Write FOLDER/, or {to.stem}.{ARCHIVE} to have them packed.",
        )
    asked = tuple(dict.fromkeys(formats))
    kinds = asked or ("mp3",) if is_archive else tuple(dict.fromkeys((fetching.audio_format(to), *formats)))
    to = destinations.made_ready(to)
    order = job_options.order(options, kinds, chapter_files=is_archive)
    found = reading.find(sources[0], limit_bytes=settings.source_limit_bytes, source_format=options["source_format"])
    draft = submission.draft(order, found, text_limit_characters=settings.text_limit_characters)
    outputs = {ARCHIVE if is_archive else kinds[0]: to} | {
        kind: fetching.beside(to, kind) for kind in (*kinds[1:], *files)
    }

    async def work() -> Result:
        with display(quiet=quiet) as shown:
            async with targets.for_one_job(plan, settings, say=shown.say) as target, target.opened() as backend:
                job = draft
                if engine is not None:
                    await backend.check_engine(engine)
                    job = replace(draft, request=draft.request.model_copy(update={"model": engine}))
                return await following.rendered(job, order.job_id, backend, outputs, shown, played_by=played_by)

    result = interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    if as_json:
        printing.say_json(summary.document(result.status, result.manifest, result.outputs))
    if result.status.state != "completed":
        raise exits.JobFailed(summary.failure(result.status))
    if not as_json:
        printing.say("\n".join(summary.lines(result.status, result.manifest, result.outputs)))
