"""The options of `render` and `submit` that say to which show an episode belongs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar, get_args

import click
from pydantic import ValidationError

from shared.client.shows import checked_id
from shared.errors import BadInput
from shared.protocol.episode_of_show import EpisodeOfShow, EpisodeType

Function = TypeVar("Function", bound=Callable[..., Any])

_FIELDS = {
    "again": "episode_id",
    "episode": "number",
    "season": "season",
    "episode_type": "type",
    "summary": "summary",
    "publish_at": "published_at",
    "episode_link": "link",
}
"""Parameter → field of `EpisodeOfShow`."""


def of_a_show(command: Function) -> Function:
    """The options that become `JobRequest.show`; `place` makes it of them."""
    for option in reversed(
        (
            click.option("--show", metavar="SHOW", help="The show that the episode belongs to; see `podcast shows`."),
            click.option("--episode", type=click.IntRange(1, 1_000_000), metavar="N", help="The episode's number."),
            click.option("--season", type=click.IntRange(1, 100_000), metavar="N", help="The season's number."),
            click.option("--episode-type", type=click.Choice(get_args(EpisodeType)), help="The kind of episode."),
            click.option("--summary", metavar="TEXT", help="What the episode is about."),
            click.option("--episode-link", metavar="URL", help="The page that the episode belongs to."),
            click.option(
                "--publish-at",
                metavar="TIME",
                help="When it appears in the feed, as in 2026-12-24T18:00; else at once.",
            ),
            click.option(
                "--again",
                metavar="EPISODE",
                help="Render this episode of the show again: its guid stays, its audio changes.",
            ),
        )
    ):
        command = option(command)
    return command


def place(options: dict[str, Any]) -> EpisodeOfShow | None:
    """The episode's place in a show; None if no show is named.

    Args:
        options: the parameters of a command that has the options of `of_a_show`.

    Raises:
        BadInput: an option makes no sense.
    """
    given = {field: options[name] for name, field in _FIELDS.items() if options[name] is not None}
    if options["show"] is None:
        if given:
            raise BadInput("The episode belongs to no show.", hint="Name its show with --show.")
        return None
    if "published_at" in given:
        given["published_at"] = moment(given["published_at"])
    try:
        return EpisodeOfShow.model_validate({**given, "show_id": checked_id(options["show"])})
    except ValidationError as error:
        first = error.errors()[0]
        name = next(option for option, field in _FIELDS.items() if field == first["loc"][0])
        raise BadInput(f"--{name.replace('_', '-')} cannot be used: {first['msg']}.") from error


def moment(text: str) -> float:
    """A time in ISO 8601, in seconds since the epoch; without a zone it is that of this machine.

    Raises:
        BadInput: it is none.
    """
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{text} is not a time.", hint="Write it as in 2026-12-24T18:00 or 2026-12-24T17:00Z."
        ) from error
