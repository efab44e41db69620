"""`podcast webhooks`: the endpoints that are told of every job's end, in the store or over the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import click

from services.cli import listings, printing, running, targets, times
from services.cli.backends.webhooks import Document, Webhooks, opened
from services.cli.columns import Column
from shared.client import webhook_documents
from shared.client.webhook_documents import EndpointChange
from shared.client.webhook_endpoints import EVENTS, WebhookEvent
from shared.errors import BadInput
from shared.text import one_line

T = TypeVar("T")

_COLUMNS: Final = (
    Column("ID"),
    Column("CREATED"),
    Column("EVENTS"),
    Column("STATE"),
    Column("URL", rest=True),
)

_events_option = click.option(
    "--event",
    "events",
    type=click.Choice(EVENTS),
    multiple=True,
    help="What it is told of. May be repeated.",
)
_description_option = click.option("--description", metavar="TEXT", help="A note for people.")
_id_argument = click.argument("endpoint_id", metavar="ID")


@click.group()
def webhooks() -> None:
    """Manage the addresses that are told of every job's end."""


@webhooks.command()
@click.argument("url")
@_description_option
@_events_option
@targets.on_a_stack
def add(
    url: str, description: str | None, events: tuple[WebhookEvent, ...], directory: Path | None, as_json: bool
) -> None:
    """Make an endpoint for URL, and print the secret that signs what is sent to it: it is shown only this once.

    Without --event it is told of every end of a job.
    """
    checked = webhook_documents.checked_description(description or "")
    made = _run(directory, lambda endpoints: endpoints.add(url, description=checked, events=events))
    _say_secret(made, as_json=as_json)


@webhooks.command("list")
@targets.on_a_stack
def list_endpoints(directory: Path | None, as_json: bool) -> None:
    """List the endpoints, oldest first."""
    found = _run(directory, lambda endpoints: endpoints.listed())
    listings.say(found, _COLUMNS, _row, empty="There are no webhook endpoints.", as_json=as_json)


@webhooks.command()
@_id_argument
@targets.on_a_stack
def show(endpoint_id: str, directory: Path | None, as_json: bool) -> None:
    """Show an endpoint: whether it is enabled, or why not, and whether its secret is being rotated."""
    webhook_documents.checked_id(endpoint_id)
    _say(_run(directory, lambda endpoints: endpoints.shown(endpoint_id)), as_json=as_json)


@webhooks.command()
@_id_argument
@click.option("--url", metavar="URL", help="Where it is told.")
@_description_option
@_events_option
@click.option("--enable/--disable", "enabled", default=None, help="Send to it again, or send nothing more to it.")
@targets.on_a_stack
def edit(
    *,
    endpoint_id: str,
    url: str | None,
    description: str | None,
    events: tuple[WebhookEvent, ...],
    enabled: bool | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """Change an endpoint; what is not given stays as it is. --event replaces all events that it is told of."""
    webhook_documents.checked_id(endpoint_id)
    checked = None if description is None else webhook_documents.checked_description(description)
    change = EndpointChange(url=url, description=checked, events=events or None, enabled=enabled)
    if change == EndpointChange():
        raise BadInput("There is nothing to change.", hint="Give --url, --description, --event, --enable or --disable.")
    _say(_run(directory, lambda endpoints: endpoints.changed(endpoint_id, change)), as_json=as_json)


@webhooks.command()
@_id_argument
@targets.on_a_stack
def rotate(endpoint_id: str, directory: Path | None, as_json: bool) -> None:
    """Give an endpoint a new secret, and print it; for a while the previous one signs too."""
    webhook_documents.checked_id(endpoint_id)
    _say_secret(_run(directory, lambda endpoints: endpoints.rotated(endpoint_id)), as_json=as_json)


@webhooks.command()
@_id_argument
@targets.on_a_stack
def test(endpoint_id: str, directory: Path | None, as_json: bool) -> None:
    """Send a `webhook.test` to an endpoint."""
    webhook_documents.checked_id(endpoint_id)
    webhook_id = _run(directory, lambda endpoints: endpoints.test(endpoint_id), only_store=False)
    if as_json:
        printing.say_json({"webhook_id": webhook_id})
    else:
        printing.say(f"sending {webhook_id} to {endpoint_id}")


@webhooks.command()
@_id_argument
@targets.on_a_stack
def delete(endpoint_id: str, directory: Path | None, as_json: bool) -> None:
    """Remove an endpoint; what is still on its way to it is dropped."""
    webhook_documents.checked_id(endpoint_id)
    _run(directory, lambda endpoints: endpoints.removed(endpoint_id))
    if as_json:
        printing.say_json({"deleted": endpoint_id})
    else:
        printing.say(f"deleted {endpoint_id}")


def _run(directory: Path | None, work: Callable[[Webhooks], Awaitable[T]], *, only_store: bool = True) -> T:
    return running.run(opened, directory, work, only_store=only_store)


def _say_secret(made: Document, *, as_json: bool) -> None:
    if as_json:
        printing.say_json(made)
        return
    printing.say(str(made["secret"]))
    printing.note(f"This is the secret of {one_line(str(made['id']))}. Keep it: it is not shown again.")
    if made["rotating_until"] is not None:
        printing.note(f"The previous secret signs too until {times.local(made['rotating_until'])}.")


def _say(one: Document, *, as_json: bool) -> None:
    if as_json:
        printing.say_json(one)
        return
    facts = [
        ("id", one["id"]),
        ("url", one["url"]),
        ("description", one["description"] or "-"),
        ("events", ", ".join(one["events"])),
        ("state", _state(one)),
        ("created", times.local(one["created_at"])),
        ("secret of", times.local(one["rotated_at"])),
    ]
    if one["disabled_at"] is not None:
        facts.append(
            ("disabled", f"{times.local(one['disabled_at'])}: {one['disabled_reason'] or 'no reason is known'}")
        )
    if one["rotating_until"] is not None:
        facts.append(("rotating", f"the previous secret signs too until {times.local(one['rotating_until'])}"))
    printing.say("\n".join(f"{name:<13}{one_line(str(value))}" for name, value in facts))


def _row(one: Document) -> list[str]:
    events = ",".join(str(event).removeprefix("job.") for event in one["events"])
    return [
        one_line(str(one["id"])),
        times.local(one["created_at"]),
        one_line(events),
        _state(one),
        one_line(one["url"]),
    ]


def _state(one: Document) -> str:
    return "enabled" if one["enabled"] else "disabled"
