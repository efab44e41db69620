"""The options of `podcast shows create` and `edit`, which become the fields of a show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from services.cli import lexicon_file, voice_options
from shared.client.submission import AUDIO_FORMATS
from shared.errors import BadInput
from shared.protocol.messages import LoudnessProfile
from shared.protocol.shows import Medium

Function = TypeVar("Function", bound=Callable[..., Any])

_NONE: Final = "none"
_PLAIN: Final = (
    *("title", "author", "description", "language", "link", "explicit", "kind", "is_complete", "copyright"),
    *("owner_name", "owner_email", "locked", "medium", "ai_content", "announce", "visibility", "new_feed_url"),
    *("feed_items", "keep_episodes", "keep_days", "intro", "outro", "model", "loudness"),
)
_NULLABLE: Final = frozenset({"link", "owner_email", "new_feed_url", "model", "intro", "outro"})


def of_a_show(command: Function) -> Function:
    """Options for each field; `fields` makes them of these."""
    for option in reversed(
        (
            click.option("--title", help="Its title."),
            click.option("--description", metavar="TEXT", help="What it is about."),
            click.option("--author", help="Who makes it."),
            click.option("--language", metavar="TAG", help="BCP 47 tag such as en or de-AT."),
            click.option(
                "--category",
                "categories",
                multiple=True,
                metavar="NAME",
                help="As Apple Podcasts names it: Arts, or 'Arts > Books'; up to three.",
            ),
            click.option("--link", metavar="URL", help="Its own website; none: its page on this server."),
            click.option("--explicit/--clean", default=None, help="Whether it has explicit language."),
            click.option(
                "--kind",
                type=click.Choice(("episodic", "serial")),
                help="serial: episodes are meant to be heard in order.",
            ),
            click.option("--complete/--ongoing", "is_complete", default=None, help="Whether more episodes will come."),
            click.option("--copyright", help="Who holds the rights."),
            click.option("--owner-name", help="The owner's name, for directories."),
            click.option("--owner-email", help="The owner's address, for directories; it is public in the feed."),
            click.option(
                "--locked/--unlocked", default=None, help="Whether to ask other hosts not to import the feed."
            ),
            click.option("--medium", type=click.Choice(get_args(Medium)), help="What kind of show it is."),
            click.option(
                "--ai-content/--no-ai-content", default=None, help="Whether the feed says that a machine speaks."
            ),
            click.option(
                "--announce/--no-announce",
                default=None,
                help="Whether the feed names an episode that is being made (podcast:liveItem).",
            ),
            click.option(
                "--person", "persons", multiple=True, metavar="NAME[=ROLE]", help="Who takes part; may be repeated."
            ),
            click.option(
                "--public",
                "visibility",
                flag_value="public",
                default=None,
                help="Everybody may read the feed.",
            ),
            click.option(
                "--private", "visibility", flag_value="private", help="The feed needs a token in its address (default)."
            ),
            click.option("--new-feed-url", metavar="URL", help="Where the feed has moved to; none: nowhere."),
            click.option("--feed-items", type=click.IntRange(1, 500), help="Episodes on a page of the feed."),
            click.option(
                "--keep-episodes", type=click.IntRange(1, 100_000), help="How many of the newest episodes the feed has."
            ),
            click.option(
                "--keep-days",
                type=click.IntRange(1, 100_000),
                help="Days after which `podcast prune` and the retention may remove its episodes; else they stay.",
            ),
            click.option("--cover", type=click.Path(path_type=Path), metavar="FILE", help="A JPEG or PNG picture."),
            click.option(
                "--voice",
                "voice",
                multiple=True,
                metavar="[LANGUAGE=]NAME",
                help="The voice of its episodes; none: the default.",
            ),
            click.option(
                "--intro", metavar="TEXT", help="Spoken before each episode: '{show}, number {number}: {title}.'"
            ),
            click.option("--outro", metavar="TEXT", help="Spoken after each episode; none: nothing."),
            click.option("--model", help="The speech model of its episodes; none: the default."),
            click.option(
                "--loudness", type=click.Choice(get_args(LoudnessProfile)), help="The loudness of its episodes."
            ),
            click.option(
                "--format", "formats", type=click.Choice(AUDIO_FORMATS), multiple=True, help="A format of its episodes."
            ),
            click.option(
                "--lexicon",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="How words are said, as for `render`.",
            ),
        )
    ):
        command = option(command)
    return command


def fields(options: dict[str, Any]) -> dict[str, Any]:
    """The fields that the options give; those that are not given are missing.

    Raises:
        BadInput: an option makes no sense.
    """
    found: dict[str, Any] = {name: options[name] for name in _PLAIN if options[name] is not None}
    found |= {name: None for name in _NULLABLE & found.keys() if found[name] == _NONE}
    for name in ("categories", "formats"):
        if options[name]:
            found[name] = list(dict.fromkeys(options[name]))
    if options["persons"]:
        found["persons"] = [_person(text) for text in options["persons"]]
    if options["lexicon"] is not None:
        found["lexicon"] = [entry.model_dump(mode="json") for entry in lexicon_file.read(options["lexicon"])]
    if options["voice"]:
        voices = voice_options.parsed(options["voice"])
        if voices.speakers:
            raise BadInput(
                "The --voice of a show cannot name a speaker.", hint="Name the speakers' voices with each job."
            )
        if voices.main is not None:
            found["voice"] = None if voices.main == _NONE else voices.main
        if voices.languages:
            found["voices"] = voices.languages
    return found


def _person(text: str) -> dict[str, str]:
    name, _, role = (part.strip() for part in text.partition("="))
    return {"name": name, **({"role": role.lower()} if role else {})}
