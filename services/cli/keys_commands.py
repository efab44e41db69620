"""`podcast keys`: the keys of the HTTP API, in the store or over the API itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from services.cli import printing, running, targets, times
from services.cli.backends.keys import Keys, KnownKey, opened
from services.cli.columns import Column, rows, terminal_width
from shared.client import api_keys
from shared.client.api_keys import LIMIT_MOST, SCOPES, Scope

T = TypeVar("T")

_COLUMNS: Final = (
    Column("ID"),
    Column("CREATED"),
    Column("SCOPES"),
    Column("LIMIT", right=True),
    Column("STATE"),
    Column("NAME", rest=True),
)
_DEFAULT_SCOPES: Final[tuple[Scope, ...]] = ("submit", "read")


class Rate(click.ParamType[int]):
    """A number of requests per minute: 60/min, or 60."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        found = re.fullmatch(r"(\d{1,7})(/min)?", str(value).strip())
        if not found or not 1 <= int(found[1]) <= LIMIT_MOST:
            self.fail(f"{value!r} is no number of requests per minute; write 60/min.", param, ctx)
        return int(found[1])


@click.group()
def keys() -> None:
    """Make, list and revoke keys of the HTTP API."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What it may do: submit (jobs, speech), read (jobs, events, episodes), operate (cancel, delete, dead letters,"
    " shows, feeds, keys). May be repeated; submit and read if there is none.",
)
@click.option("--limit", type=Rate(), metavar="N/min", help="Requests per minute at each gateway; else its setting.")
@targets.on_a_stack
def add(name: str, scopes: tuple[Scope, ...], limit: int | None, directory: Path | None, as_json: bool) -> None:
    """Make a key for NAME, and print it: it is shown only this once.

    The store keeps no more of it than a hash.
    """
    token = api_keys.new_token()
    chosen = tuple(dict.fromkeys(scopes)) or _DEFAULT_SCOPES
    wanted = api_keys.key_of(token, name=name, scopes=chosen, requests_per_minute=limit)
    token, key = _run(directory, lambda keys: keys.add(token, wanted))
    if as_json:
        printing.say_json({"key": token, **asdict(key)})
    else:
        printing.say(token)
        printing.note(f"Keep it: it is not shown again. `podcast keys revoke {key.key_id}` makes it invalid.")


@keys.command("list")
@targets.on_a_stack
def list_keys(directory: Path | None, as_json: bool) -> None:
    """List the keys, oldest first; the keys themselves are stored nowhere."""
    found = _run(directory, lambda keys: keys.listed())
    if as_json:
        printing.say_json([asdict(key) for key in found])
    elif found:
        printing.say("\n".join(rows(_COLUMNS, [_row(key) for key in found], width=terminal_width())))
    else:
        printing.note("There are no keys.")


@keys.command()
@click.argument("key_id", metavar="ID")
@targets.on_a_stack
def revoke(key_id: str, directory: Path | None, as_json: bool) -> None:
    """Make a key invalid; every gateway notices within seconds."""
    revoked = _run(directory, lambda keys: keys.revoke(key_id))
    if as_json:
        printing.say_json(asdict(revoked))
    else:
        printing.say(f"revoked {revoked.key_id} ({revoked.name})")


def _run(directory: Path | None, work: Callable[[Keys], Awaitable[T]]) -> T:
    return running.run(opened, directory, work)


def _row(key: KnownKey) -> list[str]:
    return [
        key.key_id,
        times.local(key.created_at),
        ",".join(key.scopes),
        f"{key.requests_per_minute}/min" if key.requests_per_minute else "-",
        "valid" if key.revoked_at is None else "revoked",
        key.name,
    ]
