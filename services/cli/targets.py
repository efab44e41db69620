"""What a command talks to: the first of these that is there.

1. `podcast --api URL`: an HTTP API.
2. `--dir DIR`: the `podcast up` in that folder.
3. `PODCAST_AMQP_URL` and `PODCAST_STORE_URL`: a broker and a store. They come before an API, so that a
   `PODCAST_API_URL` that is set for other programs redirects nobody who has set these.
4. `PODCAST_API_URL`: an HTTP API.
5. The running `podcast up`, by the addresses that it has written to its folder.

`podcast render` starts a stack of its own if there is none of them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from services.cli import api_option, own_stack, speech_servers
from services.cli.api_option import Api
from services.cli.backends.direct import DirectBackend
from services.cli.backends.over_http import HttpBackend, connected
from services.cli.backends.port import CommandBackend
from shared.errors import BadInput, BrokerDown, Misconfigured
from shared.settings import PREFIX, Settings, load

Function = TypeVar("Function", bound=Callable[..., Any])

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


@dataclass(frozen=True)
class Target:
    """What a command talks to.

    Attributes:
        settings: with the addresses of the broker and the store, unless `api` is set.
        api: the HTTP API to use; None: the broker and the store.
    """

    settings: Settings
    api: Api | None = None

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[CommandBackend]:
        """The backend, for as long as the context."""
        if self.api is None:
            yield DirectBackend(self.settings)
        else:
            async with connected(self.api) as client:
                yield HttpBackend(client, self.settings)


def find(directory: Path | None) -> Target | None:
    """What to talk to; None if nothing is named and no stack runs.

    Args:
        directory: a folder from the command line, which takes precedence over the environment.

    Raises:
        Misconfigured, BadInput: what names it makes no sense.
    """
    settings = settings_in(directory)
    if (api := api_option.given(settings)) is not None:
        if directory is not None:
            raise BadInput("--api and --dir name two systems.", hint="Give one of them.")
        return Target(settings, api)
    if directory is None:
        if named_by_environment():
            return Target(settings)
        if (api := api_option.of_the_environment()) is not None:
            return Target(settings, api)
    running = own_stack.running(settings)
    return None if running is None else Target(running)


def named(directory: Path | None, *, only_store: bool = False) -> Target:
    """What to talk to.

    Args:
        directory: a folder from the command line.
        only_store: the command needs no broker.

    Raises:
        BrokerDown: nothing is named, and no stack runs.
    """
    if only_store and directory is None and is_set("store_url") and not api_option.is_given():
        return Target(load())
    found = find(directory)
    if found is None:
        raise BrokerDown(
            "No stack is running.",
            hint="Start one with `podcast up`, or set PODCAST_AMQP_URL and PODCAST_STORE_URL, or PODCAST_API_URL.",
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
async def for_one_job(plan: Plan, settings: Settings, *, say: Callable[[str], None]) -> AsyncIterator[Target]:
    """What to talk to: what is named, or a stack that runs as long as the context.

    Raises:
        SpeechDown: none of the named speech servers accepts connections.
        BrokerDown, StoreDown, Misconfigured: the command's own stack does not start.
    """
    if plan.wants_its_own and api_option.is_given():
        raise BadInput(
            "--speech-url and --synthesizers are for a stack of this command's own, not for --api.",
            hint="Leave them out, or --api.",
        )
    found = None if plan.wants_its_own else find(plan.directory)
    if found is not None and found.api is not None:
        yield found
        return
    if plan.speech_url is not None:
        settings = settings.model_copy(update={"speech_url": plan.speech_url})
    for problem in await speech_servers.check(settings.speech_urls, timeout_seconds=settings.connect_timeout_seconds):
        say(problem)
    if found is not None:
        yield found
        return
    if plan.engine is not None:
        settings = settings.model_copy(update={"speech_default_engine": plan.engine})
    async with own_stack.brought_up(settings, synthesizers=plan.synthesizers or 1, say=say) as own:
        yield Target(own)
