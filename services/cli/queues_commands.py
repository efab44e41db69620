"""`podcast queues`: what waits for each service, and stopping a service from taking more of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import click

from services.cli import listings, printing, running, targets, times
from services.cli.backends.queues import Document, Queues, opened
from services.cli.columns import Column
from shared.store import queue_states
from shared.text import one_line

T = TypeVar("T")

_COLUMNS: Final = (
    Column("QUEUE"),
    Column("WAITING", right=True),
    Column("RETRIES", right=True),
    Column("DEAD", right=True),
    Column("CONSUMERS", right=True),
    Column("PAUSED"),
    Column("REASON", rest=True),
)
_queue_argument = click.argument("queue", metavar="QUEUE")


@click.group()
def queues() -> None:
    """Show what waits for each service; pause and resume services."""


@queues.command("list")
@targets.on_a_stack
def list_queues(directory: Path | None, as_json: bool) -> None:
    """List the work queues: messages that wait, that wait for a retry, dead letters, consumers."""
    found = _run(directory, lambda there: there.listed(), only_store=False)
    listings.say(found, _COLUMNS, _row, empty="There are no queues.", as_json=as_json)


@queues.command()
@_queue_argument
@click.option("--reason", metavar="TEXT", default="", help="Why, for people.")
@targets.on_a_stack
def pause(queue: str, reason: str, directory: Path | None, as_json: bool) -> None:
    """Have nobody take messages from QUEUE (chunker, synthesizer or assembler) until it is resumed.

    What was begun is finished. Nothing is lost, and no job fails for it.
    """
    name = queue_states.pausable(queue).name
    checked = queue_states.checked_reason(reason)
    _done(_run(directory, lambda there: there.paused(name, reason=checked)), "paused", as_json=as_json)


@queues.command()
@_queue_argument
@targets.on_a_stack
def resume(queue: str, directory: Path | None, as_json: bool) -> None:
    """Have messages taken from QUEUE again. The deadline of every job that has not ended begins anew."""
    name = queue_states.pausable(queue).name
    _done(_run(directory, lambda there: there.resumed(name)), "resumed", as_json=as_json)


def _run(directory: Path | None, work: Callable[[Queues], Awaitable[T]], *, only_store: bool = True) -> T:
    return running.run(opened, directory, work, only_store=only_store)


def _done(one: Document, what: str, *, as_json: bool) -> None:
    if as_json:
        printing.say_json(one)
    else:
        printing.say(f"{what} {one['name']}")


def _row(one: Document) -> list[str]:
    return [
        one_line(str(one["name"])),
        *(str(one[count]) for count in ("ready", "waiting", "dead", "consumers")),
        "-" if one["paused_at"] is None else times.local(one["paused_at"]),
        one_line(str(one["paused_reason"])) or "-",
    ]
