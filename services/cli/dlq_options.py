"""What the commands of `podcast dlq` have in common: which broker, how long to wait, which dead letters."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import click

from services.cli import dead_letter_groups, printing, targets
from services.cli.api_option import Api
from services.cli.backends import over_http
from services.cli.backends.letters import HttpLetters, Letters
from services.cli.backends.reachable import reachable_store
from services.cli.targets import Target
from shared.dead_letters import export
from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.operator_lock import WAIT_SECONDS
from shared.dead_letters.selection import Selection, queue_named
from shared.errors import BadInput
from shared.protocol.topology import WORK_QUEUES
from shared.runtime.broker import connected

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """How to reach the dead letters."""

    directory: Path | None
    wait_seconds: float

    @functools.cached_property
    def target(self) -> Target:
        """The system whose dead letters these are.

        Raises:
            BrokerDown: there is none.
        """
        return targets.named(self.directory)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Letters]:
        """The dead letters, over AMQP or over HTTP.

        Raises:
            BrokerDown: there is no stack, or its broker does not answer.
        """
        if self.target.api is None:
            async with self._broker() as letters:
                yield letters
            return
        async with self._gateway(self.target.api) as letters:
            yield letters

    async def export(self, selection: Selection, spool: IO[bytes]) -> int:
        """Write the selected dead letters into a file, a line each; returns how many there are.

        Raises:
            BrokerDown: as `opened`.
        """
        if self.target.api is not None:
            async with self._gateway(self.target.api) as gateway:
                return await gateway.export(selection, spool)

        async def write(line: bytes) -> None:
            spool.write(line)

        async with self._broker() as letters:
            return await export.written(letters, selection, write)

    @contextlib.asynccontextmanager
    async def _gateway(self, api: Api) -> AsyncIterator[HttpLetters]:
        async with over_http.connected(api) as client:
            yield HttpLetters(client, wait_seconds=self.wait_seconds, say=printing.note)

    @contextlib.asynccontextmanager
    async def _broker(self) -> AsyncIterator[DeadLetters]:
        settings = self.target.settings
        async with connected(settings) as connection:
            yield DeadLetters(
                connection,
                call_seconds=settings.publish_deadline_seconds,
                wait_seconds=self.wait_seconds,
                say=printing.note,
                store=functools.partial(reachable_store, settings),
            )

    async def titles(self, job_ids: Iterable[str | None]) -> Mapping[str, str]:
        """The titles of jobs, as far as they can be had quickly: job id → title."""
        async with self.target.opened() as backend:
            return await dead_letter_groups.titles(backend, job_ids)


@dataclass(frozen=True)
class Chosen:
    """Which dead letters the command line selects.

    Attributes:
        selection: everything but the ids, since those may be shortened.
        ids: as typed.
    """

    selection: Selection
    ids: tuple[str, ...] = ()

    async def resolve(self, letters: Letters) -> Selection:
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
