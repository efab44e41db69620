"""`podcast preview`: what would be spoken of a document, before a second of speech is spent."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import click

from services.cli import estimates, interrupts, job_options, preview_display, printing, targets
from services.cli.backends.port import CommandBackend
from services.cli.estimates import Pace
from services.cli.progress_display import display
from shared.client import destinations, submission
from shared.client import sources as reading
from shared.client.submission import Draft
from shared.errors import BadInput
from shared.plans.from_preview import plan_of
from shared.plans.writing import write
from shared.protocol.narration import KINDS
from shared.protocol.preview import Preview
from shared.text import one_line

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
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the text to a file that can be edited and rendered; what is left out is in it as comments.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@targets.on_a_stack
def preview(  # noqa: PLR0917 - click passes them by name
    source: str,
    with_text: bool,
    price: float | None,
    plan_file: Path | None,
    quiet: bool,
    directory: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Show what would be spoken of a document; nothing is spoken.

    SOURCE and the options are those of `podcast render`. Shows the chapters with their numbers and lengths, what is
    left out and why, and how long the episode and making it will take.
    """
    if plan_file is not None:
        plan_file = _free(plan_file)
    settings = targets.settings_in(directory)
    order = job_options.order(options, ("mp3",))
    found = reading.find(source, limit_bytes=settings.source_limit_bytes, source_format=options["source_format"])
    if order.cover is not None:  # then nothing has to be said of that in the document
        order = dataclasses.replace(order, narration=order.narration.model_copy(update={"cover": False}))
    draft = submission.draft(order, found, text_limit_characters=settings.text_limit_characters)

    async def work() -> tuple[Preview, Pace, Preview | None]:
        with display(quiet=quiet) as progress:
            plan = targets.Plan(directory=directory)
            async with targets.for_one_job(plan, settings, say=progress.say) as target, target.opened() as backend:
                made, pace = await asyncio.gather(backend.preview(draft), estimates.pace(backend))
                return made, pace, None if plan_file is None else await _everything(draft, made, backend)

    made, pace, everything = interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    if plan_file is not None:
        _written(plan_file, write(plan_of(made, everything, voice=order.voice)))
    shown = preview_display.Shown(made, settings.cost_per_million_characters if price is None else price, pace)
    if as_json:
        printing.say_json(preview_display.document(shown))
        return
    printing.say("\n".join(preview_display.lines(shown) + (preview_display.text(made) if with_text else [])))


async def _everything(draft: Draft, made: Preview, backend: CommandBackend) -> Preview | None:
    """The same document with all that can be read of it, if something was left out."""
    asked = draft.request.narration
    if not made.omissions:
        return None
    kinds: dict[str, Any] = dict.fromkeys(KINDS)
    narration = asked.model_copy(update={"read": "everything", **kinds})
    try:
        return await backend.preview(
            dataclasses.replace(draft, request=draft.request.model_copy(update={"narration": narration}))
        )
    except BadInput:  # such as too long with everything in it: then the plan lists what is left out, and no more
        return None


def _free(path: Path) -> Path:
    """Where a plan can be written: an edited one is never overwritten.

    Raises:
        BadInput: nothing can be written there.
    """
    path = destinations.made_ready(path)
    if path.exists():
        raise BadInput(f"There is a file {path}, which may have been edited.", hint="Remove it, or name another file.")
    return path


def _written(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror or error}.", hint="Name another place.") from error
    printing.note(f"The plan is in {one_line(str(path))}; `podcast render` speaks it.")
