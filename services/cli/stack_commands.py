"""`podcast up`, `down`, `ps`, `doctor`: the local stack on this machine."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import get_args

import click

from deploy.local import StackPlan, is_running, read_state, start_detached, stop
from deploy.local.doctor import examine
from deploy.local.inspection import inspect, supervisor_is_stopped
from deploy.local.minio_build import ensure_minio
from deploy.local.plan import Engine, StoreKind
from deploy.local.state import AlreadyRunning, StackState, left_state
from deploy.local.supervise import supervise
from services.cli import interrupts
from services.cli.printing import note, say, say_json
from services.cli.stack_display import table
from shared.client import api_keys
from shared.client.page_tokens import TICKET_SECONDS, PageToken
from shared.settings import Settings, load

directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The stack's folder: data, logs, addresses. Default: PODCAST_STATE_DIR.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_DOWN_GRACE_SECONDS = 75.0
"""After Ctrl-C while a detached stack starts: to stop it again."""


def _folder(directory: Path | None, settings: Settings) -> Path:
    return (directory or settings.state_dir).expanduser().resolve()


@click.command()
@click.option("--synthesizers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that speak.")
@click.option(
    "--store",
    type=click.Choice(get_args(StoreKind)),
    default="file",
    show_default=True,
    help="Where texts and audio are kept: a folder, or a MinIO of the stack's own (built once, about 3 minutes).",
)
@click.option("--speech-url", metavar="URL[,URL]", help="Speech servers to use instead of one of the stack's own.")
@click.option("--engine", type=click.Choice(get_args(Engine)), help="What the stack's own speech server speaks with.")
@directory_option
@click.option("--detach", is_flag=True, help="Return when the stack is ready, and leave it running.")
def up(  # noqa: PLR0917 - click passes them by name
    synthesizers: int,
    store: StoreKind,
    speech_url: str | None,
    engine: Engine | None,
    directory: Path | None,
    detach: bool,
) -> None:
    """Run the whole system on this machine: broker, store, speech server and services.

    In the foreground with its log, until Ctrl-C; or detached, until `podcast down`. What dies is started again.
    """
    settings = load()
    folder = _folder(directory, settings)
    plan = StackPlan(
        synthesizers=synthesizers,
        store=store,
        speech_url=speech_url if speech_url is not None else settings.speech_url,
        engine=engine or settings.speech_default_engine,
    )
    if is_running(folder):
        raise AlreadyRunning.in_folder(folder)
    if store == "minio":
        ensure_minio(settings.cache_dir, lambda line: click.echo(line, err=True))
    if detach:
        state = interrupts.run(start_detached(folder, plan), grace_seconds=_DOWN_GRACE_SECONDS)
        click.echo(_told(folder, state), err=True)
    else:
        supervise(folder, plan, settings, echo=True, tell_ready=lambda: _say_ready(folder))


def _say_ready(folder: Path) -> None:
    if (state := read_state(folder)) is not None:
        click.echo(_told(folder, state) + "\nCtrl-C stops it.", err=True)


def _told(folder: Path, state: StackState) -> str:
    processes = sum(1 for process in state.processes if process.pid)
    return (
        f"The stack in {folder} is ready ({processes} processes).\n"
        "`podcast render`, `submit` and the others use it while it runs. For other AMQP clients:\n"
        f"  export PODCAST_AMQP_URL={state.amqp_url}\n"
        f"  export PODCAST_STORE_URL='{state.store_url}'"
        + (
            f"\nFor HTTP clients:\n  export PODCAST_API_URL={state.api_url}\n  export PODCAST_API_KEY={state.api_key}"
            f"\nIn a browser (this address signs in for an hour; afterwards with the key):\n  {_page(state)}"
            if state.api_url
            else ""
        )
    )


def _page(state: StackState) -> str:
    """The address of the page, with a ticket in the part that a browser sends to no server."""
    key = api_keys.key_of(state.api_key, name="stack", scopes=api_keys.SCOPES)
    ticket = PageToken.signed(key, "ticket", expires_at=math.ceil(time.time()) + TICKET_SECONDS)
    return f"{state.api_url}/#sign-in={ticket}"


@click.command()
@directory_option
def down(directory: Path | None) -> None:
    """Stop the stack that `podcast up` runs; its data stays."""
    folder = _folder(directory, load())
    if stop(folder):
        click.echo(f"The stack in {folder} is down.", err=True)
    else:
        click.echo(f"No stack is running in {folder}.", err=True)


@click.command()
@json_option
@directory_option
def ps(as_json: bool, directory: Path | None) -> None:
    """List the processes of the stack, broker and store included: whether they run, and whether they are ready."""
    folder = _folder(directory, load())
    state = read_state(folder)
    reports = interrupts.run(inspect(state)) if state else []
    reports = [report for report in reports if report.service != "epmd"]
    if as_json:
        say_json([report.model_dump() for report in reports])
    elif state:
        for line in table(reports):
            say(line)
    if warning := _supervision(folder, state):
        note(warning)


def _supervision(folder: Path, state: StackState | None) -> str:
    """What is wrong with the supervisor; "" if it does its work."""
    if state is None:
        left = left_state(folder)
        if left is None:
            return f"No stack is running in {folder}. Start one with `podcast up`."
        return (
            f"The supervisor of the stack in {folder} (process {left.pid}) is dead, and the stack with it. "
            "`podcast up` starts it again on the same data."
        )
    if supervisor_is_stopped(state):
        return (
            f"The supervisor (process {state.pid}) is stopped: what dies or hangs is not started again. "
            f"`kill -CONT {state.pid}` lets it go on."
        )
    return "" if state.state == "ready" else f"The stack in {folder} is {state.state}."


@click.command()
@json_option
@directory_option
def doctor(as_json: bool, directory: Path | None) -> None:
    """Check everything that the system needs on this machine, and say how to install what is missing."""
    settings = load()
    findings = examine(settings, _folder(directory, settings))
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(str(finding))
    if not all(finding.ok for finding in findings if finding.required):
        sys.exit(1)
