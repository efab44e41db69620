"""The options that say what is read of a document: `render` and `submit` share them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from services.cli import lexicon_file
from shared.errors import BadInput
from shared.protocol.narration import CHAPTER_RANGES, FRAME_LIMIT_CHARACTERS, KINDS, Kind, Narration

Function = TypeVar("Function", bound=Callable[..., Any])

_NAMES: Final[dict[str, Kind]] = {kind.replace("_", "-"): kind for kind in KINDS}
_HINT: Final = f"Kinds: {', '.join(_NAMES)}."


def of_narration(command: Function) -> Function:
    """The options that become fields of `Narration`; `narration` makes it of them."""
    for option in reversed(
        (
            click.option(
                "--read",
                type=click.Choice(get_args(Narration.model_fields["read"].annotation)),
                default="narrator",
                show_default=True,
                help="narrator: what a good narrator would read; everything: all that has words.",
            ),
            click.option(
                "--also",
                multiple=True,
                metavar="KIND[,KIND]",
                help=f"Read this too: {', '.join(_NAMES)}.",
            ),
            click.option("--skip", multiple=True, metavar="KIND[,KIND]", help="Leave this out; kinds as in --also."),
            click.option(
                "--chapters", metavar="RANGES", help="Only these, as in 2-5,7,9-; `podcast preview` numbers them."
            ),
            click.option(
                "--links",
                type=click.Choice(get_args(Narration.model_fields["links"].annotation)),
                default="words",
                show_default=True,
                help="words: what is linked; address: the address as well.",
            ),
            click.option("--intro", metavar="TEXT", help="Spoken before the text; {title} and {author} are filled in."),
            click.option("--outro", metavar="TEXT", help="Spoken after the text."),
            click.option(
                "--lexicon",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="How words are said, one a line: word, tab, respelling[, tab, IPA[, tab, any-case]].",
            ),
            click.option(
                "--no-cover",
                is_flag=True,
                help="Take no cover from the document; one that --cover names is used all the same.",
            ),
            click.option(
                "--as-written/--as-said",
                default=None,
                help="Hand numbers, abbreviations and the like to the engine as they stand, or write them out; without"
                " either, as PODCAST_NORMALISE_TEXT says.",
            ),
        )
    ):
        command = option(command)
    return command


def narration(options: dict[str, Any]) -> Narration:
    """What the options say is read.

    Args:
        options: the parameters of a command that has the options of `of_narration`.

    Raises:
        BadInput: an option names no kind, or a kind twice, or no chapters; the lexicon cannot be read.
    """
    also, skip = (_kinds(option, options[option]) for option in ("also", "skip"))
    if both := sorted(also & skip):
        raise BadInput(f"{both[0]} is both in --also and in --skip.", hint="Name it once.")
    kinds: dict[str, Any] = {**dict.fromkeys(also, True), **dict.fromkeys(skip, False)}
    as_written: bool | None = options["as_written"]
    return Narration(
        read=options["read"],
        links=options["links"],
        chapters=_chapters(options["chapters"]),
        intro=_frame("intro", options["intro"]),
        outro=_frame("outro", options["outro"]),
        lexicon=lexicon_file.read(options["lexicon"]) if options["lexicon"] else (),
        cover=False if options["no_cover"] else None,
        normalise=None if as_written is None else not as_written,
        **kinds,
    )


def _frame(option: str, text: str | None) -> str | None:
    if text is not None and not 0 < len(text) <= FRAME_LIMIT_CHARACTERS:
        raise BadInput(
            f"--{option} has {len(text):,} characters.",
            hint=f"It has at least one, and at most {FRAME_LIMIT_CHARACTERS:,}.",
        )
    return text


def _chapters(ranges: str | None) -> str | None:
    if ranges is None:
        return None
    ranges = "".join(ranges.split())
    if not re.fullmatch(CHAPTER_RANGES, ranges):
        raise BadInput(f"--chapters {ranges} names no chapters.", hint="Write numbers and ranges, as in 2-5,7,9-.")
    return ranges


def _kinds(option: str, values: tuple[str, ...]) -> set[Kind]:
    found = set()
    for name in (part.strip().lower().replace("_", "-") for value in values for part in value.split(",")):
        if name not in _NAMES:
            raise BadInput(f"--{option} {name or chr(34) * 2} is no kind of content.", hint=_HINT)
        found.add(_NAMES[name])
    return found
