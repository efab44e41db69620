"""`podcast feeds`: feeds whose items become episodes, in the store or over the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from services.cli import listings, printing, running, targets, times
from services.cli.backends.feeds import Document, Feeds, opened
from services.cli.columns import Column
from services.cli.feed_options import rules_of, rules_options
from shared.client.feeds import documents, opml
from shared.client.feeds.stored import FeedExists, checked_id
from shared.errors import BadInput, PodcastError
from shared.text import one_line

T = TypeVar("T")

_COLUMNS: Final = (
    Column("ID"),
    Column("STATE"),
    Column("JOBS", right=True),
    Column("LAST POLL"),
    Column("NEXT POLL"),
    Column("FEED", most=40),
    Column("ERROR", rest=True),
)
_id_argument = click.argument("feed_id", metavar="ID")


@click.group()
def feeds() -> None:
    """Manage feeds whose items become episodes."""


@feeds.command()
@click.argument("url")
@rules_options
@targets.on_a_stack
def add(*, url: str, title: str | None, directory: Path | None, as_json: bool, **options: Any) -> None:
    """Add the feed at URL, or the one that the page at URL names. It is polled within seconds."""
    checked = documents.checked_title(title or "")
    rules = rules_of(options)
    made = _run(directory, lambda found: found.add(url, title=checked, rules=rules))
    if as_json:
        printing.say_json(made)
    else:
        printing.say(str(made["id"]))


@feeds.command("list")
@targets.on_a_stack
def list_feeds(directory: Path | None, as_json: bool) -> None:
    """List the feeds, oldest first: when each was polled and will be, and what is wrong with it."""
    found = _run(directory, lambda there: there.listed())
    empty = "There are no feeds; `podcast feeds add URL` adds one."
    listings.say(found, _COLUMNS, _row, empty=empty, as_json=as_json)


@feeds.command()
@_id_argument
@targets.on_a_stack
def show(feed_id: str, directory: Path | None, as_json: bool) -> None:
    """Show a feed: its rules, its polls, and what became of its latest items."""
    checked_id(feed_id)
    _say(_run(directory, lambda found: found.shown(feed_id)), as_json=as_json)


@feeds.command()
@_id_argument
@rules_options
@targets.on_a_stack
def edit(*, feed_id: str, title: str | None, directory: Path | None, as_json: bool, **options: Any) -> None:
    """Change a feed; what is not given stays as it is. `none` empties a list of words or categories."""
    checked_id(feed_id)
    checked = None if title is None else documents.checked_title(title)
    rules = rules_of(options)
    if checked is None and not rules:
        raise BadInput("There is nothing to change.", hint="`podcast feeds edit --help` lists the options.")
    _say(_run(directory, lambda found: found.changed(feed_id, title=checked, rules=rules or None)), as_json=as_json)


@feeds.command()
@_id_argument
@targets.on_a_stack
def pause(feed_id: str, directory: Path | None, as_json: bool) -> None:
    """Stop polling a feed until it is resumed."""
    checked_id(feed_id)
    _done(_run(directory, lambda found: found.changed(feed_id, paused=True)), "paused", as_json=as_json)


@feeds.command()
@_id_argument
@targets.on_a_stack
def resume(feed_id: str, directory: Path | None, as_json: bool) -> None:
    """Poll a paused, failing or gone feed again, at once."""
    checked_id(feed_id)
    _done(_run(directory, lambda found: found.changed(feed_id, paused=False)), "resumed", as_json=as_json)


@feeds.command()
@_id_argument
@targets.on_a_stack
def remove(feed_id: str, directory: Path | None, as_json: bool) -> None:
    """Remove a feed. Its jobs stay; if it is added again, no item becomes a job twice."""
    checked_id(feed_id)
    _run(directory, lambda found: found.removed(feed_id))
    _done({"id": feed_id}, "removed", as_json=as_json)


@feeds.command()
@_id_argument
@targets.on_a_stack
def poll(feed_id: str, directory: Path | None, as_json: bool) -> None:
    """Poll a feed now."""
    checked_id(feed_id)
    _run(directory, lambda found: found.poll(feed_id), only_store=False)
    _done({"id": feed_id}, "requested a poll of", as_json=as_json)


@feeds.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@rules_options
@targets.on_a_stack
def import_opml(*, file: Path, title: str | None, directory: Path | None, as_json: bool, **options: Any) -> None:
    """Add every feed of an OPML FILE, as feed readers export it. Those that are there already stay unchanged."""
    if title is not None:
        raise BadInput("--title would give all feeds one title.", hint="Leave it out: the file has their titles.")
    with file.open("rb") as opened_file:
        found = opml.read(opened_file.read(opml.LIMIT_BYTES + 1))
    rules = rules_of(options)

    async def adding(there: Feeds) -> list[Document]:
        results: list[Document] = []
        for one in found:
            try:
                made = await there.add(one.url, title=one.title, rules=rules)
                results.append({"url": one.url, "id": made["id"], "error": None})
            except FeedExists:
                results.append({"url": one.url, "id": None, "error": None})
            except BadInput as error:
                results.append({"url": one.url, "id": None, "error": str(error)})
        return results

    results = _run(directory, adding)
    if as_json:
        printing.say_json(results)
    else:
        added = [one for one in results if one["id"] is not None]
        there = [one for one in results if one["id"] is None and one["error"] is None]
        printing.say(f"{len(added)} added, {len(there)} there already")
        for one in results:
            if one["error"] is not None:
                printing.note(f"{one_line(one['url'])}: {one_line(one['error'])}")
    if any(one["error"] is not None for one in results):
        raise PodcastError("Not every feed could be added; the reasons are above.")


@feeds.command("export")
@targets.on_a_stack
def export_opml(directory: Path | None, as_json: bool) -> None:
    """Print the feeds as OPML, for a feed reader. Passwords in addresses are left out."""
    found = _run(directory, lambda there: there.listed())
    outlines = [opml.ListedFeed(str(one["url"]), str(one["title"])) for one in found]
    if as_json:
        printing.say_json([{"url": one.url, "title": one.title} for one in outlines])
    else:
        printing.say(opml.written(outlines, title="Podcast Engine's feeds").decode())


def _run(directory: Path | None, work: Callable[[Feeds], Awaitable[T]], *, only_store: bool = True) -> T:
    return running.run(opened, directory, work, only_store=only_store)


def _done(one: Document, what: str, *, as_json: bool) -> None:
    if as_json:
        printing.say_json(one)
    else:
        printing.say(f"{what} {one_line(str(one['id']))}")


def _say(one: Document, *, as_json: bool) -> None:
    if as_json:
        printing.say_json(one)
        return
    facts = [
        ("id", one["id"]),
        ("url", one["url"]),
        ("title", one["title"] or "-"),
        ("state", one["state"]),
        ("jobs", one["jobs"]),
        ("last poll", _time(one["polled_at"])),
        ("next poll", _time(one["next_poll_at"])),
        ("error", one["error"] or "-"),
    ]
    if one["warning"]:
        facts.append(("warning", one["warning"]))
    if one["rules"]["digest"]:
        facts.append(("digest", f"{_time(one['next_digest_at'])}, {one['waiting_for_digest']} items wait"))
    facts += [(name.replace("_", " "), value) for name, value in one["rules"].items() if value not in (None, [], ())]
    lines = [f"{name:<19}{_shown(value)}" for name, value in facts]
    for item in one["items"]:
        told = " ".join(part for part in (item["job_id"] or "", item["reason"]) if part)
        lines.append(f"{_time(item['at'])}  {item['outcome']:<9}  {_shown(item['title'])}  {_shown(told)}".rstrip())
    printing.say("\n".join(lines))


def _shown(value: Any) -> str:
    return one_line(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _row(one: Document) -> list[str]:
    return [
        one_line(str(one["id"])),
        str(one["state"]),
        str(one["jobs"]),
        _time(one["polled_at"]),
        _time(one["next_poll_at"]),
        one_line(str(one["title"] or one["url"])),
        one_line(str(one["error"] or one["warning"] or "-")),
    ]


def _time(seconds: Any) -> str:
    if seconds is None:
        return "-"
    return times.local(seconds) if seconds else "now"
