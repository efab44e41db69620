"""`podcast preview`: what would be spoken of a document, before a second of speech is spent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from services.cli import estimates, interrupts, job_options, preview_display, printing, targets
from services.cli.estimates import Pace
from services.cli.progress_display import display
from shared.client import sources as reading
from shared.client import submission
from shared.protocol.preview import Preview

_GRACE_SECONDS = 20.0
"""After Ctrl-C: to stop the command's own stack. A second Ctrl-C does not wait."""


@click.command()
@click.argument("source")
@job_options.of_a_job
@click.option("--text", "with_text", is_flag=True, help="Also print the text, as it will be spoken.")
@click.option(
    "--price",
    type=click.FloatRange(min=0),
    metavar="AMOUNT",
    help="What a million characters cost; else PODCAST_COST_PER_MILLION_CHARACTERS.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@targets.on_a_stack
def preview(  # noqa: PLR0917 - click passes them by name
    source: str,
    with_text: bool,
    price: float | None,
    quiet: bool,
    directory: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Show what would be spoken of a document; nothing is spoken.

    SOURCE and the options are those of `podcast render`. Shows the chapters with their numbers and lengths, what is
    left out and why, and how long the episode and making it will take.
    """
    settings = targets.settings_in(directory)
    order = job_options.order(options, ("mp3",))
    found = reading.find(source, limit_bytes=settings.source_limit_bytes, source_format=options["source_format"])
    draft = submission.draft(order, found, text_limit_characters=settings.text_limit_characters)

    async def work() -> tuple[Preview, Pace]:
        with display(quiet=quiet) as progress:
            plan = targets.Plan(directory=directory)
            async with targets.for_one_job(plan, settings, say=progress.say) as target, target.opened() as backend:
                made, pace = await asyncio.gather(backend.preview(draft), estimates.pace(backend))
                return made, pace

    made, pace = interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    shown = preview_display.Shown(made, settings.cost_per_million_characters if price is None else price, pace)
    if as_json:
        printing.say_json(preview_display.document(shown))
        return
    printing.say("\n".join(preview_display.lines(shown) + (preview_display.text(made) if with_text else [])))
