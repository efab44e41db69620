"""`podcast diff`: what would be spoken anew, of a job or of a document that is not submitted yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from services.cli import diff_display, editions, estimates, interrupts, printing, targets
from services.cli.backends.port import CommandBackend
from services.cli.editions import Edition
from shared.client import sources as reading
from shared.client import submission
from shared.client.documents import Document
from shared.client.sources import FORMATS, Address
from shared.client.submission import Draft, Order
from shared.client.watching import checked_id
from shared.errors import BadInput
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JOB_ID, JobRequest, SourceFormat
from shared.settings import Settings


@click.command()
@click.argument("first", metavar="ID1")
@click.argument("second", metavar="ID2|SOURCE")
@click.option(
    "--price",
    type=click.FloatRange(min=0),
    metavar="AMOUNT",
    help="What a million characters cost; else PODCAST_COST_PER_MILLION_CHARACTERS.",
)
@click.option("--summary", is_flag=True, help="Print no texts.")
@click.option(
    "--source-format", type=click.Choice(FORMATS), help="What SOURCE is, where its name and content do not tell."
)
@targets.on_a_stack
def diff(  # noqa: PLR0917 - click passes them by name
    first: str,
    second: str,
    price: float | None,
    summary: bool,
    source_format: SourceFormat | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Show what would be spoken anew.

    Compares the chunks of two jobs, or of a job and a document: a file, a folder, an http(s) address, or - for stdin,
    read as the job was. What is in both is spoken already, wherever it stands.
    """
    checked_id(first)
    settings = targets.settings_in(directory)
    found = None
    if source_format is not None or not _is_job(second):
        found = reading.find(second, limit_bytes=settings.source_limit_bytes, source_format=source_format)
    target = targets.named(directory, only_store=found is None)

    async def work() -> diff_display.ShownDiff:
        async with target.opened() as backend:
            pace, (before, manifest) = await asyncio.gather(estimates.pace(backend), _of_job(first, backend))
            if found is None:
                after, _ = await _of_job(second, backend)
            else:
                draft = _draft(found, manifest.request, settings)
                after = editions.of_preview(await backend.preview(draft))
            amount = settings.cost_per_million_characters if price is None else price
            return diff_display.ShownDiff(editions.compare(before, after), amount, pace)

    shown = interrupts.run(work())
    if as_json:
        printing.say_json(diff_display.document(shown))
    else:
        printing.say("\n".join(diff_display.lines(shown, with_texts=not summary)))


def _is_job(named: str) -> bool:
    """Whether it can only be the id of a job: no such file is here."""
    return JOB_ID.fullmatch(named) is not None and not Path(named).exists()


async def _of_job(job_id: str, backend: CommandBackend) -> tuple[Edition, Manifest]:
    status, manifest = await asyncio.gather(backend.status(job_id), backend.manifest(job_id))
    if manifest is None:
        raise BadInput(
            f"The text of job {job_id} has not been read ({status.state}).", hint="Name a job that speaks something."
        )
    return editions.of_job(manifest, status), manifest


def _draft(found: Document | Address, request: JobRequest, settings: Settings) -> Draft:
    """A job of the document, with what decides its chunks as another job has it."""
    order = Order(
        title=request.title,
        author=request.author,
        language=request.language,
        voice=request.voice,
        model=request.model,
        speed=request.speed,
        pauses=request.pauses,
        narration=request.narration,
    )
    return submission.draft(order, found, text_limit_characters=settings.text_limit_characters)
