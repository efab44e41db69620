"""`podcast dlq`: the dead-letter queues for people. Publishes only dead letters, back to the queues they came from.

Works while the system runs, using only AMQP, or the HTTP API. Looking changes nothing; docs/dead-letters.md is the
guide.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

import click

from services.cli import dead_letter_display, dead_letter_groups, exits, interrupts, printing
from services.cli.dlq_options import Access, Chosen, choosing, filtering, on_a_broker
from shared.client import destinations
from shared.dead_letters.letter import PARSE_LIMIT_BYTES, DeadLetter
from shared.dead_letters.selection import Selection
from shared.errors import BadInput

LIST_LIMIT: Final = 10_000
"""How many dead letters `list` shows by default: 7 to 13 s and 83 MB (measured on 2 busy cores)."""

_GRACE_SECONDS: Final = 30.0
"""To finish the current dead letter and return the others to their queue after a Ctrl-C."""

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def dlq() -> None:
    """Look at dead letters; send them back or away.

    A dead letter is a message that could not be handled.

    A letter's ID may be shortened, to four digits at least, as long as it is unique.
    """


@dlq.command("list")
@filtering
@click.option("--limit", type=click.IntRange(min=1), default=LIST_LIMIT, show_default=True, help="Most letters shown.")
@click.option("--all", "everything", is_flag=True, help="A line for each letter instead of one for those alike.")
@_json_option
@on_a_broker
def list_letters(*, selection: Selection, limit: int, everything: bool, as_json: bool, access: Access) -> None:
    """List the dead letters, of all queues or of QUEUE: those alike in one line.

    Alike are letters of one queue and job that died of the same. ID is the oldest one's; `podcast dlq show ID` has all
    about it.
    """
    is_short = not everything and not as_json

    async def work() -> tuple[list[DeadLetter], Mapping[str, str]]:
        async with access.opened() as letters:
            found = await letters.find(selection, limit=limit + 1)
        named = [letter.job_id for letter in found] if is_short else []
        return found, await access.titles(named) if any(named) else {}

    found, titles = interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    shown = found[:limit]
    if as_json:
        _say_letters(shown)
    elif everything:
        printing.say(dead_letter_display.each(shown))
    else:
        groups = dead_letter_groups.grouped(shown)
        printing.say(dead_letter_display.summary(groups, titles))
        if groups:
            printing.note("`podcast dlq show ID` has all about one, `podcast dlq list --all` a line for each.")
    if len(found) > limit:
        printing.note(f"There are more than {limit}: --limit shows more, `podcast dlq export` all.")


@dlq.command()
@click.argument("letter_id", metavar="ID")
@click.option("--payload", is_flag=True, help="Print the message itself, to edit it for `podcast dlq replay`.")
@_json_option
@on_a_broker
def show(*, letter_id: str, payload: bool, as_json: bool, access: Access) -> None:
    """Show all about one letter: why it died, each attempt, its text; with --debug also where it failed."""

    async def work() -> tuple[DeadLetter, bytes]:
        async with access.opened() as letters:
            return await letters.opened(letter_id)

    letter, body = interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    if payload:
        printing.say_json(_payload(body))
    elif as_json:
        printing.say_json(asdict(letter))
    else:
        printing.say(dead_letter_display.page(letter, debug=exits.debugging()))


@dlq.command()
@choosing
@click.option(
    "--payload",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="Send this message, JSON, in place of the one letter's own; `podcast dlq show ID --payload` prints that.",
)
@_json_option
@on_a_broker
def replay(*, chosen: Chosen, payload: IO[str] | None, as_json: bool, access: Access) -> None:
    """Send letters back to be handled again; a failed job then goes on.

    Each is taken off when its copy is confirmed, so nothing is lost if this is stopped half-way.
    """
    if payload is not None and len(chosen.ids) != 1:
        raise BadInput("An edited message replaces exactly one letter.", hint="Give the letter's ID.")
    try:
        edited = payload.read(PARSE_LIMIT_BYTES) if payload is not None else None
    except UnicodeDecodeError as error:
        raise BadInput("The edited message is not text in UTF-8.", hint="Name another file.") from error
    done: list[DeadLetter] = []

    async def work() -> None:
        async with access.opened() as letters:
            await letters.replay(await chosen.resolve(letters), edited=edited, confirmed=done.append)

    _carry_out(work, done, verb="replayed", as_json=as_json)


@dlq.command()
@choosing
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
@on_a_broker
def discard(*, chosen: Chosen, yes: bool, as_json: bool, access: Access) -> None:
    """Throw letters away for good, after asking. `podcast dlq export` keeps a copy."""
    if not yes and not _someone_is_here():
        raise BadInput("Nobody is here to be asked whether to discard letters.", hint="--yes discards without asking.")

    async def looked() -> list[DeadLetter]:
        async with access.opened() as letters:
            return await letters.find(await chosen.resolve(letters))

    if not yes:
        found = interrupts.run(looked(), grace_seconds=_GRACE_SECONDS)
        (printing.note if as_json else printing.say)(dead_letter_display.each(found))
        if not found:
            return
        click.confirm(f"Discard {dead_letter_display.count(len(found))} for good?", abort=True, err=as_json)
        # Only what was shown: more may have arrived before the confirmation.
        chosen = Chosen(Selection(queues=chosen.selection.queues, ids=frozenset(letter.id for letter in found)))
    done: list[DeadLetter] = []

    async def work() -> None:
        async with access.opened() as letters:
            await letters.discard(await chosen.resolve(letters), removing=done.append)

    _carry_out(work, done, verb="discarded", as_json=as_json)


@dlq.command()
@filtering
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="A file; else stdout.")
@on_a_broker
def export(*, selection: Selection, output: Path | None, access: Access) -> None:
    """Write the letters as JSON lines, whole and without loss; they stay where they are."""
    output = None if output is None else destinations.made_ready(output)

    # Through a temporary file: a slow reader of our output (a pager) must not block the dead letters for others,
    # and half an export must not look like a complete one.
    try:
        with tempfile.TemporaryFile(dir=output.parent if output else None) as spool:
            written = interrupts.run(access.export(selection, spool), grace_seconds=_GRACE_SECONDS)
            spool.seek(0)
            if output is None:
                shutil.copyfileobj(spool, sys.stdout.buffer)
            else:
                with output.open("wb") as file:
                    shutil.copyfileobj(spool, file)
    except BrokenPipeError:
        raise  # the reader is gone; nobody is left to read a message
    except OSError as error:
        raise BadInput(
            f"The export cannot be written: {error.strerror or error}.", hint="Name another file."
        ) from error
    printing.note(f"{dead_letter_display.count(written)} exported.")


def _payload(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("The letter is no JSON.", hint="`podcast dlq export` writes it as it is.") from error


def _someone_is_here() -> bool:
    return sys.stdin.isatty()


def _carry_out(
    work: Callable[[], Coroutine[Any, Any, None]], done: list[DeadLetter], *, verb: str, as_json: bool
) -> None:
    """Run the work, and report what was done even if it ends half-way."""
    try:
        interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    finally:
        if as_json:
            _say_letters(done)
        else:
            printing.say(f"{dead_letter_display.count(len(done))} {verb}.")


def _say_letters(found: list[DeadLetter]) -> None:
    printing.say_json([asdict(letter) for letter in found])
