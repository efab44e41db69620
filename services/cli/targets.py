"""Which stack a command talks to: the one that the environment names, or a running `podcast up`.

`PODCAST_AMQP_URL` and `PODCAST_STORE_URL` come first; then the addresses that `podcast up` has written to its folder.
`podcast render` starts its own stack if neither exists.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from services.cli import own_stack, speech_servers
from shared.deadlines import deadline
from shared.errors import BrokerDown, Misconfigured, StoreDown
from shared.settings import PREFIX, Settings, load
from shared.store.port import Store, open_store

Function = TypeVar("Function", bound=Callable[..., Any])

_FIRST_ANSWER_SECONDS = 8.0
"""A store that does not answer its first, smallest call within this time counts as unreachable."""

directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder of the `podcast up` to use; else PODCAST_STATE_DIR.",
)


def on_a_stack(command: Function) -> Function:
    """The options of every command that uses a stack."""
    for option in (click.option("--json", "as_json", is_flag=True, help="Print JSON."), directory_option):
        command = option(command)
    return command


def is_set(name: str) -> bool:
    """Whether the environment sets a setting, directly or through a file."""
    variable = PREFIX + name.upper()
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))


def settings_in(directory: Path | None) -> Settings:
    """The settings, with the given stack folder."""
    settings = load()
    return settings if directory is None else settings.model_copy(update={"state_dir": directory})


def named_by_environment() -> bool:
    """Whether the environment names a stack.

    Raises:
        Misconfigured: it names a store but no broker.
    """
    if is_set("store_url") and not is_set("amqp_url"):
        raise Misconfigured(
            "PODCAST_STORE_URL is set but PODCAST_AMQP_URL is not.", hint="Set both to use a stack, or neither."
        )
    return is_set("amqp_url")


def find_stack(directory: Path | None) -> Settings | None:
    """The settings with the addresses of the stack to use; None if there is none.

    Args:
        directory: a folder from the command line, which takes precedence over the environment.
    """
    settings = settings_in(directory)
    if directory is None and named_by_environment():
        return settings
    return own_stack.running(settings)


def named_stack(directory: Path | None, *, only_store: bool = False) -> Settings:
    """The settings with the addresses of the stack to use.

    Args:
        directory: a folder from the command line.
        only_store: the command needs no broker.

    Raises:
        BrokerDown: there is no stack.
    """
    if only_store and directory is None and is_set("store_url"):
        return load()
    found = find_stack(directory)
    if found is None:
        raise BrokerDown(
            "No stack is running.",
            hint="Start one with `podcast up`, or set PODCAST_AMQP_URL and PODCAST_STORE_URL.",
        )
    return found


@dataclass(frozen=True)
class Plan:
    """The options of `podcast render` that concern its stack.

    Attributes:
        directory: the folder of the stack to use.
        speech_url: speech servers to use.
        synthesizers: the number of synthesizer processes.
        engine: the engine of the stack's own speech server.
    """

    directory: Path | None = None
    speech_url: str | None = None
    synthesizers: int | None = None
    engine: str | None = None

    @property
    def wants_its_own(self) -> bool:
        """Whether an option requires a stack of its own."""
        return self.speech_url is not None or self.synthesizers is not None


@contextlib.asynccontextmanager
async def stack(plan: Plan, settings: Settings, *, say: Callable[[str], None]) -> AsyncIterator[Settings]:
    """The settings with the addresses of a stack: a running one, or one that runs as long as the context.

    Raises:
        SpeechDown: none of the named speech servers accepts connections.
        BrokerDown, StoreDown, Misconfigured: the command's own stack does not start.
    """
    if plan.speech_url is not None:
        settings = settings.model_copy(update={"speech_url": plan.speech_url})
    for problem in await speech_servers.check(settings.speech_urls, timeout_seconds=settings.connect_timeout_seconds):
        say(problem)
    named = find_stack(plan.directory)
    if named is not None and not plan.wants_its_own:
        yield named
        return
    if plan.engine is not None:
        settings = settings.model_copy(update={"speech_default_engine": plan.engine})
    async with own_stack.brought_up(settings, synthesizers=plan.synthesizers or 1, say=say) as own:
        yield own


async def reachable_store(settings: Settings) -> Store:
    """The store, after it has answered a call.

    Raises:
        StoreDown: it does not answer.
    """
    store = open_store(settings)
    try:
        async with deadline(_FIRST_ANSWER_SECONDS, "asking the store", error=StoreDown):
            await store.ping()
    except StoreDown as error:
        raise StoreDown(
            f"The store at {store.url} cannot be reached: {error.message}",
            hint=error.hint or "Check that it runs and that PODCAST_STORE_URL is right.",
        ) from error
    return store
