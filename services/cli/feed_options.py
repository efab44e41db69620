"""The options of `podcast feeds add` and `edit`: what is made of a feed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from shared.errors import BadInput

Function = TypeVar("Function", bound=Callable[..., Any])

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)")
_NONE: Final = "none"
_LISTS: Final = ("include_words", "exclude_words", "include_categories", "exclude_categories")
_OPTIONS: Final = (
    click.option("--title", metavar="TEXT", help="Its title; else the title that it gives itself."),
    click.option("--show", metavar="SHOW", help="The show that its episodes belong to; `none`: no show."),
    click.option("--voice", metavar="VOICE", help="The voice of its episodes; `none`: the show's, or the default."),
    click.option("--language", metavar="TAG", help="The language of its items; `none`: as they say themselves."),
    click.option("--every", metavar="TIME", help="How often it is polled, as in 30m, 6h or 1d; a new feed: 1h."),
    click.option(
        "--first", "first_items", type=click.IntRange(0, 100), help="How many of the newest items the first poll takes."
    ),
    click.option(
        "--text",
        type=click.Choice(["longer", "item", "page"]),
        help="What is read: the item's own text, its page, or the longer of the two.",
    ),
    click.option("--with", "include_words", metavar="WORD", multiple=True, help="Only items with one of these words."),
    click.option("--without", "exclude_words", metavar="WORD", multiple=True, help="No items with one of these words."),
    click.option(
        "--category", "include_categories", metavar="NAME", multiple=True, help="Only items of one of these categories."
    ),
    click.option(
        "--no-category",
        "exclude_categories",
        metavar="NAME",
        multiple=True,
        help="No items of one of these categories.",
    ),
    click.option("--min-characters", type=click.IntRange(0), help="No items with less text."),
    click.option("--max-characters", type=click.IntRange(0), help="No items with more text; 0: any length."),
    click.option(
        "--digest",
        type=click.Choice(["daily", "weekly", _NONE]),
        help="One episode with a chapter for each item; `none`: an episode for each item.",
    ),
    click.option(
        "--digest-hour", type=click.IntRange(0, 23), help="The hour when the digest is made, in UTC; weekly: on Monday."
    ),
)


def rules_options(command: Function) -> Function:
    """Give a command the options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def rules_of(options: dict[str, Any]) -> dict[str, Any]:
    """The rules that were given; others are left out.

    Raises:
        BadInput: a time cannot be read.
    """
    found: dict[str, Any] = {}
    for name in ("show", "voice", "language", "digest"):
        if options[name] is not None:
            found[name] = None if options[name] == _NONE else options[name]
    for name in ("first_items", "text", "min_characters", "digest_hour"):
        if options[name] is not None:
            found[name] = options[name]
    if options["max_characters"] is not None:
        found["max_characters"] = options["max_characters"] or None
    for name in _LISTS:
        if options[name]:
            found[name] = () if options[name] == (_NONE,) else options[name]
    if options["every"] is not None:
        found["interval_seconds"] = _seconds(options["every"])
    return found


def _seconds(text: str) -> float:
    parsed = _DURATION.fullmatch(text.strip().lower())
    if parsed is None:
        raise BadInput("The time between two polls cannot be read.", hint="Write it as in 30m, 6h or 1d.")
    return float(parsed[1]) * _UNITS[parsed[2] or "s"]
