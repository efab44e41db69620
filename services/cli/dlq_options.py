"""What the commands of `podcast dlq` have in common: which broker, how long to wait, which dead letters."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from services.cli import printing, targets
from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.operator_lock import WAIT_SECONDS
from shared.dead_letters.selection import Selection, queue_named
from shared.errors import BadInput
from shared.protocol.topology import WORK_QUEUES
from shared.runtime.broker import connected
from shared.settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """How to reach the dead letters."""

    directory: Path | None
    wait_seconds: float

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings with the addresses of the stack.

        Raises:
            BrokerDown: there is no stack.
        """
        return targets.named(self.directory).settings

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[DeadLetters]:
        """Connect to the stack's broker.

        Raises:
            BrokerDown: there is no stack, or its broker does not answer.
        """
        settings = self.settings
        async with connected(settings) as connection:
            yield DeadLetters(
                connection,
                call_seconds=settings.publish_deadline_seconds,
                wait_seconds=self.wait_seconds,
                say=printing.note,
            )


@dataclass(frozen=True)
class Chosen:
    """Which dead letters the command line selects.

    Attributes:
        selection: everything but the ids, since those may be shortened.
        ids: as typed.
    """

    selection: Selection
    ids: tuple[str, ...] = ()

    async def resolve(self, letters: DeadLetters) -> Selection:
        """The selected dead letters, with their full ids.

        Raises:
            NotFound, BadInput: an id matches no dead letter, or several.
        """
        if not self.ids:
            return self.selection
        found = await letters.named(self.ids)
        names = {letter.queue for letter in found}
        return Selection(
            queues=tuple(queue for queue in WORK_QUEUES if queue.name in names),
            ids=frozenset(letter.id for letter in found),
        )


def on_a_broker(command: Function) -> Function:
    """Give a command its `access`."""

    @functools.wraps(command)
    def with_access(*, directory: Path | None, wait_seconds: float, **options: Any) -> Any:
        return command(access=Access(directory, wait_seconds), **options)

    wait = click.option(
        "--wait",
        "wait_seconds",
        type=click.FloatRange(min=0),
        default=WAIT_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for another operator.",
    )
    return wait(targets.directory_option(with_access))  # type: ignore[return-value] # click calls it by keyword


def filtering(command: Function) -> Function:
    """Give a read-only command its `selection`: all dead letters, or those of a queue or a job."""

    @functools.wraps(command)
    def with_selection(*, queue: str | None, job: str | None, **options: Any) -> Any:
        return command(selection=_selection(queue, job), **options)

    job = click.option("--job", metavar="ID", help="Only the letters of one job.")
    queue = click.argument("queue", required=False, metavar="[QUEUE]")
    return queue(job(with_selection))  # type: ignore[return-value] # as above


def choosing(command: Function) -> Function:
    """Give a command that removes dead letters its `chosen`; the choice must be explicit."""

    @functools.wraps(command)
    def with_chosen(
        *, ids: tuple[str, ...], queue: str | None, job: str | None, everything: bool, **options: Any
    ) -> Any:
        if sum((bool(ids), bool(job or queue), everything)) != 1:
            raise BadInput(
                "Say which letters: their IDs, or --job and --queue, or --all.", hint="`podcast dlq list` shows them."
            )
        return command(chosen=Chosen(_selection(queue, job), ids), **options)

    decorated: Any = with_chosen
    for option in (
        click.option("--all", "everything", is_flag=True, help="Every letter in every queue."),
        click.option("--queue", metavar="QUEUE", help="The letters of one queue."),
        click.option("--job", metavar="ID", help="The letters of one job."),
        click.argument("ids", nargs=-1, metavar="[ID]..."),
    ):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return] # as above


def _selection(queue: str | None, job: str | None) -> Selection:
    return Selection(queues=(queue_named(queue),) if queue else WORK_QUEUES, job_id=job)
