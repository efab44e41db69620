"""A running `podcast up` with its gateway, for clients of every kind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.local import StackPlan, read_state, start_detached, stop
from services.cli.app import cli

COMMAND_SECONDS = 120
ARTICLE = """\
# The Lighthouse

It stood on the last rock of the coast, and every evening somebody climbed its stairs.

## The Keeper

Her name was Anna Brandt.
"""


@dataclass(frozen=True)
class Server:
    """A running stack.

    Attributes:
        directory: its folder.
        url: of its API.
        key: with all scopes.
    """

    directory: Path
    url: str
    key: str


@dataclass(frozen=True)
class Ended:
    """What a command left."""

    exit_code: int
    stdout: str
    stderr: str


Podcast = Callable[..., Ended]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One stack for all clients."""
    directory = tmp_path_factory.mktemp("stack")
    state = asyncio.run(start_detached(directory, StackPlan(engine="espeak-ng", synthesizers=1)))
    assert read_state(directory) is not None
    yield Server(directory, state.api_url, state.api_key)
    stop(directory)


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.md"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def clean_environment(home: Path) -> dict[str, str]:
    """An environment that names no stack."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PODCAST_")}
    return {**kept, "PODCAST_STATE_DIR": str(home / "no-stack")}


def run(*args: str | Path, environment: dict[str, str], stdin: str | None = None) -> Ended:
    """Run the command line in this process, with nothing of this process's environment."""
    others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("PODCAST_")}
    result = CliRunner(env={**others, **environment}).invoke(cli, [*map(str, args)], input=stdin, prog_name="podcast")
    return Ended(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def over_http(server: Server, tmp_path: Path) -> Podcast:
    """`podcast --api`, on a machine that has no stack."""
    environment = {**clean_environment(tmp_path), "PODCAST_API_KEY": server.key}
    return lambda *args, stdin=None: run("--api", server.url, *args, environment=environment, stdin=stdin)


@pytest.fixture
def directly(server: Server, tmp_path: Path) -> Podcast:
    """`podcast` beside the stack."""
    environment = {**clean_environment(tmp_path), "PODCAST_STATE_DIR": str(server.directory)}
    return lambda *args, stdin=None: run(*args, environment=environment, stdin=stdin)
