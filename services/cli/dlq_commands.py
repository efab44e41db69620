"""`podcast dlq`: the dead-letter queues for people. Publishes only what it takes from them, back to where it died.

Works while the system runs, with nothing but AMQP. Looking changes nothing; docs/dead-letters.md is the guide.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

import click
from aio_pika.abc import AbstractIncomingMessage

from services.cli import dead_letter_display, interrupts
from services.cli.dlq_options import Access, Chosen, choosing, filtering, on_a_broker
from shared.dead_letters.browser import Verdict
from shared.dead_letters.export import line as export_line
from shared.dead_letters.letter import DeadLetter
from shared.dead_letters.selection import Selection
from shared.errors import BadInput

LIST_LIMIT: Final = 10_000
"""Letters that `list` shows unless told otherwise: 7 to 13 s and 83 MB (measured on 2 busy cores)."""

_GRACE_SECONDS: Final = 30.0
"""To finish the letter in hand and give the others back after a Ctrl-C."""

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def dlq() -> None:
    """Look at messages that could not be handled, and send them back or away.

    A letter's ID may be shortened, to four digits at least, as long as it is unique.
    """


@dlq.command("list")
@filtering
@click.option("--limit", type=click.IntRange(min=1), default=LIST_LIMIT, show_default=True, help="Most letters shown.")
@_json_option
@on_a_broker
def list_letters(*, selection: Selection, limit: int, as_json: bool, access: Access) -> None:
    """List the dead letters, of all queues or of QUEUE."""

    async def work() -> list[DeadLetter]:
        async with access.opened() as letters:
            return await letters.find(selection, limit=limit + 1)

    found = interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    shown = found[:limit]
    click.echo(_document(shown) if as_json else dead_letter_display.table(shown))
    if len(found) > limit:
        click.echo(f"There are more than {limit}: --limit shows more, `podcast dlq export` all.", err=True)


@dlq.command()
@click.argument("letter_id", metavar="ID")
@_json_option
@on_a_broker
def show(*, letter_id: str, as_json: bool, access: Access) -> None:
    """Show all about one letter: why it died, each attempt, its text, where it failed."""

    async def work() -> DeadLetter:
        async with access.opened() as letters:
            return (await letters.named([letter_id]))[0]

    letter = interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    click.echo(
        json.dumps(asdict(letter), ensure_ascii=False, indent=2) if as_json else dead_letter_display.page(letter)
    )


@dlq.command()
@choosing
@_json_option
@on_a_broker
def replay(*, chosen: Chosen, as_json: bool, access: Access) -> None:
    """Send letters back to be handled again; a failed job then goes on.

    Each is taken off when its copy is confirmed, so nothing is lost if this is stopped half-way.
    """
    done: list[DeadLetter] = []

    async def work() -> None:
        async with access.opened() as letters:
            await letters.replay(await chosen.resolve(letters), confirmed=done.append)

    _carry_out(work, done, verb="replayed", as_json=as_json)


@dlq.command()
@choosing
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json_option
@on_a_broker
def discard(*, chosen: Chosen, yes: bool, as_json: bool, access: Access) -> None:
    """Throw letters away for good, after asking. `podcast dlq export` keeps a copy."""
    if not yes and not _someone_is_here():
        raise BadInput("Nobody is here to be chosen whether to discard letters.", hint="--yes discards without asking.")

    async def looked() -> list[DeadLetter]:
        async with access.opened() as letters:
            return await letters.find(await chosen.resolve(letters))

    if not yes:
        found = interrupts.run(looked(), grace_seconds=_GRACE_SECONDS)
        click.echo(dead_letter_display.table(found), err=as_json)
        if not found:
            return
        click.confirm(f"Discard {dead_letter_display.count(len(found))} for good?", abort=True, err=as_json)
        # Only what was shown: more may have come while the person was thinking.
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

    async def write(spool: IO[bytes]) -> int:
        written = 0

        async def put(letter: DeadLetter, message: AbstractIncomingMessage) -> Verdict:
            nonlocal written
            if selection.has(letter):
                spool.write(export_line(letter, message).encode() + b"\n")
                written += 1
            return Verdict.KEEP

        async with access.opened() as letters:
            await letters.visit(selection.queues, put, doing="exporting")
        return written

    # Through a file of our own: whoever reads our output slowly (a pager) must not keep the letters from the others,
    # and half an export must not look like a whole one.
    try:
        with tempfile.TemporaryFile(dir=output.parent if output else None) as spool:
            written = interrupts.run(write(spool), grace_seconds=_GRACE_SECONDS)
            spool.seek(0)
            if output is None:
                shutil.copyfileobj(spool, sys.stdout.buffer)
            else:
                with output.open("wb") as file:
                    shutil.copyfileobj(spool, file)
    except BrokenPipeError:
        raise  # the reader has gone; nobody is left to be told
    except OSError as error:
        raise BadInput(
            f"The export cannot be written: {error.strerror or error}.", hint="Name another file."
        ) from error
    click.echo(f"{dead_letter_display.count(written)} exported.", err=True)


def _someone_is_here() -> bool:
    return sys.stdin.isatty()


def _carry_out(
    work: Callable[[], Coroutine[Any, Any, None]], done: list[DeadLetter], *, verb: str, as_json: bool
) -> None:
    """Run the work, and tell what was done even if it ends half-way."""
    try:
        interrupts.run(work(), grace_seconds=_GRACE_SECONDS)
    finally:
        click.echo(_document(done) if as_json else f"{dead_letter_display.count(len(done))} {verb}.")


def _document(found: list[DeadLetter]) -> str:
    return json.dumps([asdict(letter) for letter in found], ensure_ascii=False, indent=2)
