"""`podcast shows`: podcasts, their episodes and their feeds, in the store or over the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from services.cli import durations, listings, printing, running, show_fields, show_options, targets, times
from services.cli.backends.shows import Document, Shows, opened
from services.cli.columns import Column
from shared.client import shows as shared_shows
from shared.errors import BadInput
from shared.text import one_line

T = TypeVar("T")

_SHOWS: Final = (Column("SHOW"), Column("FEED"), Column("LANGUAGE"), Column("TITLE", rest=True))
_EPISODES: Final = (
    *(Column("EPISODE"), Column("PUBLISHED"), Column("NUMBER", right=True), Column("LENGTH", right=True)),
    *(Column("STATE"), Column("TITLE", rest=True)),
)
_TOKENS: Final = (Column("TOKEN"), Column("MADE"), Column("STATE"), Column("NAME", rest=True))
_NOT_SHOWN: Final = frozenset({"version", "lexicon"})
_show_argument = click.argument("show_id", metavar="SHOW")


@click.group()
def shows() -> None:
    """Manage shows: podcasts with a feed."""


@shows.command()
@_show_argument
@show_fields.of_a_show
@targets.on_a_stack
def create(show_id: str, directory: Path | None, as_json: bool, **options: Any) -> None:
    """Create a show; --title and --description are required. SHOW is part of its feed's address and never changes."""
    shared_shows.checked_id(show_id)
    given = show_fields.fields(options)
    for name in ("title", "description"):
        if not given.get(name):
            raise BadInput(f"The show has no {name}.", hint=f"Give --{name}.")

    async def work(system: Shows) -> Document:
        made = await system.add(show_id, given)
        return made if options["cover"] is None else await system.covered(show_id, options["cover"])

    _say(_run(directory, work), as_json=as_json)


@shows.command("list")
@targets.on_a_stack
def list_shows(directory: Path | None, as_json: bool) -> None:
    """List the shows."""
    found = _run(directory, lambda system: system.listed())
    empty = "There are no shows; `podcast shows create` creates one."
    listings.say(found, _SHOWS, _show_row, empty=empty, as_json=as_json)


@shows.command()
@_show_argument
@targets.on_a_stack
def show(show_id: str, directory: Path | None, as_json: bool) -> None:
    """Show a show, with the address of its feed."""
    shared_shows.checked_id(show_id)
    _say(_run(directory, lambda system: system.shown(show_id)), as_json=as_json)


@shows.command()
@_show_argument
@show_fields.of_a_show
@targets.on_a_stack
def edit(show_id: str, directory: Path | None, as_json: bool, **options: Any) -> None:
    """Change a show; what is not given stays as it is. Jobs that were submitted before keep what they took from it."""
    shared_shows.checked_id(show_id)
    given = show_fields.fields(options)
    cover: Path | None = options["cover"]
    if not given and cover is None:
        raise BadInput("There is nothing to change.", hint="`podcast shows edit --help` lists the options.")

    async def work(system: Shows) -> Document:
        after = await system.changed(show_id, given) if given else {}
        return after if cover is None else await system.covered(show_id, cover)

    _say(_run(directory, work), as_json=as_json)


@shows.command()
@_show_argument
@targets.on_a_stack
def delete(show_id: str, directory: Path | None, as_json: bool) -> None:
    """Remove a show with its feed; its jobs and their audio stay."""
    shared_shows.checked_id(show_id)
    _run(directory, lambda system: system.removed(show_id))
    printing.say_json({"deleted": show_id}) if as_json else printing.say(f"deleted {show_id}")


@shows.command()
@_show_argument
@targets.on_a_stack
def episodes(show_id: str, directory: Path | None, as_json: bool) -> None:
    """List the episodes of a show, newest first."""
    shared_shows.checked_id(show_id)
    found = _run(directory, lambda system: system.episodes(show_id))
    empty = f"{show_id} has no episodes; `podcast submit --show {show_id}` makes one."
    listings.say(found, _EPISODES, _episode_row, empty=empty, as_json=as_json)


@shows.command("edit-episode")
@_show_argument
@click.argument("episode_id", metavar="EPISODE")
@click.option("--title", help="Its title in the feed.")
@click.option("--episode", "number", type=click.IntRange(1, 1_000_000), metavar="N", help="Its number.")
@click.option("--season", type=click.IntRange(1, 100_000), metavar="N", help="Its season.")
@click.option("--summary", metavar="TEXT", help="What it is about.")
@click.option("--publish-at", "published_at", metavar="TIME", help="When it appears in the feed.")
@click.option("--hide/--unhide", "is_hidden", default=None, help="Whether to leave it out of the feed.")
@targets.on_a_stack
def edit_episode(show_id: str, episode_id: str, directory: Path | None, as_json: bool, **options: Any) -> None:
    """Change what the feed says of an episode; what is not given stays as it is."""
    shared_shows.checked_id(show_id)
    given = {name: value for name, value in options.items() if value is not None}
    if not given:
        raise BadInput("There is nothing to change.", hint="`podcast shows edit-episode --help` lists the options.")
    if "published_at" in given:
        given["published_at"] = show_options.moment(given["published_at"])
    after = _run(directory, lambda system: system.changed_episode(show_id, episode_id, given))
    printing.say_json(after) if as_json else printing.say(f"changed {one_line(episode_id)}")


@shows.group()
def tokens() -> None:
    """Manage the addresses that open a private show's feed."""


@tokens.command("add")
@_show_argument
@click.option("--name", default="", help="Whose address it is.")
@targets.on_a_stack
def add_token(show_id: str, name: str, directory: Path | None, as_json: bool) -> None:
    """Create a feed address for one subscriber, and print it: it is shown only this once."""
    shared_shows.checked_id(show_id)
    made = _run(directory, lambda system: system.add_token(show_id, name))
    if as_json:
        printing.say_json(made)
        return
    printing.say(one_line(str(made["feed_url"])))
    printing.note(f"This is token {one_line(str(made['id']))}. Keep the address: it is not shown again.")


@tokens.command("list")
@_show_argument
@targets.on_a_stack
def list_tokens(show_id: str, directory: Path | None, as_json: bool) -> None:
    """List the tokens of a show, oldest first."""
    shared_shows.checked_id(show_id)
    found = _run(directory, lambda system: system.tokens(show_id))
    listings.say(found, _TOKENS, _token_row, empty=f"{show_id} has no tokens.", as_json=as_json)


@tokens.command("revoke")
@_show_argument
@click.argument("token_id", metavar="TOKEN")
@targets.on_a_stack
def revoke_token(show_id: str, token_id: str, directory: Path | None, as_json: bool) -> None:
    """Revoke a token: its address no longer opens the feed."""
    shared_shows.checked_id(show_id)
    after = _run(directory, lambda system: system.revoked_token(show_id, token_id))
    printing.say_json(after) if as_json else printing.say(f"revoked {one_line(token_id)}")


def _run(directory: Path | None, work: Callable[[Shows], Awaitable[T]]) -> T:
    return running.run(opened, directory, work)


def _say(one: Document, *, as_json: bool) -> None:
    if as_json:
        printing.say_json(one)
        return
    facts = [("feed_url", one["feed_url"]), *((name, one[name]) for name in one if name != "feed_url")]
    lines = [(name, value) for name, value in facts if value not in (None, "", [], {}) and name not in _NOT_SHOWN]
    if one.get("lexicon"):
        lines.append(("lexicon", f"{len(one['lexicon'])} words"))
    printing.say("\n".join(f"{name.replace('_', ' '):<15}{one_line(_shown(name, value))}" for name, value in lines))


def _shown(name: str, value: Any) -> str:
    if name.endswith("_at"):
        return times.local(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(one["name"] if isinstance(one, dict) else str(one) for one in value)
    return str(value)


def _show_row(one: Document) -> list[str]:
    return [one_line(str(one[name])) for name in ("show_id", "visibility", "language", "title")]


def _episode_row(one: Document) -> list[str]:
    seconds = one["audio_seconds"]
    state = "hidden" if one["is_hidden"] else "rendered" if seconds is not None else "waiting"
    return [
        one_line(str(one["episode_id"])),
        times.local(one["published_at"]),
        str(one["number"] or ""),
        "" if seconds is None else durations.length(seconds),
        state,
        one_line(str(one["title"])),
    ]


def _token_row(one: Document) -> list[str]:
    return [
        str(one["id"]),
        times.local(one["created_at"]),
        "revoked" if one["revoked_at"] else "valid",
        one_line(one["name"]),
    ]
