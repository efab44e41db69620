"""The options that describe a job; `render` and `submit` share them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from services.cli import narration_options, show_options, voice_options
from shared.client.sources import FORMATS
from shared.client.submission import AUDIO_FORMATS, Order
from shared.client.watching import checked_id
from shared.errors import BadInput
from shared.protocol.messages import AudioFormat, JobRequest, LoudnessProfile

Function = TypeVar("Function", bound=Callable[..., Any])

_DEFAULTS = JobRequest.model_fields


def of_a_job(command: Function) -> Function:
    """The options that become fields of `JobRequest`; `order` makes an `Order` of them."""
    for option in reversed(
        (
            click.option("--title", help="The episode's title; else the document's own."),
            click.option("--author", help="The episode's author; else the document's own."),
            click.option("--language", metavar="TAG", help="BCP 47 tag such as en or de-AT; else the document's own."),
            click.option(
                "--voice",
                multiple=True,
                metavar="[LANGUAGE=|SPEAKER=]NAME",
                help="The voice; else one for the language. de=NAME: for passages in a language; HOST=NAME: for a"
                " speaker of a dialogue. May be repeated.",
            ),
            click.option("--model", help="The speech model; else the speech server's default."),
            click.option(
                "--speed",
                type=click.FloatRange(0.25, 4.0),
                default=_DEFAULTS["speed"].default,
                show_default=True,
                help="Speaking rate; 1 is the voice's own.",
            ),
            click.option(
                "--max-parallel",
                type=click.IntRange(1, 100),
                default=_DEFAULTS["max_parallel"].default,
                show_default=True,
                help="Pieces of text that are spoken at a time.",
            ),
            click.option(
                "--loudness",
                type=click.Choice(get_args(LoudnessProfile)),
                default=_DEFAULTS["loudness"].default,
                show_default=True,
                help="mono: one channel, -19 LUFS; stereo: two channels, -16 LUFS.",
            ),
            click.option("--cover", type=click.Path(path_type=Path), metavar="FILE", help="A JPEG or PNG picture."),
            click.option(
                "--tag",
                "tags",
                multiple=True,
                metavar="NAME=VALUE",
                help="One more tag for the file, such as album=…; may be repeated.",
            ),
            click.option(
                "--source-format",
                type=click.Choice(FORMATS),
                help="What SOURCE is, where its name and content do not tell.",
            ),
            click.option("--id", "job_id", metavar="ID", help="The job's id; the same id twice is one job."),
        )
    ):
        command = option(command)
    return show_options.of_a_show(narration_options.of_narration(command))


def formats_option(command: Function) -> Function:
    """Which audio files to make."""
    return click.option(
        "--format",
        "formats",
        type=click.Choice(AUDIO_FORMATS),
        multiple=True,
        help="An audio format to make; may be repeated.",
    )(command)


def chapter_files_option(command: Function) -> Function:
    """Whether each chapter is a file of its own."""
    return click.option("--chapter-files", is_flag=True, help="Make a file of each chapter, too: `01 Title.mp3`, ….")(
        command
    )


def order(options: dict[str, Any], formats: tuple[AudioFormat, ...], *, chapter_files: bool = False) -> Order:
    """The order that the options describe.

    Args:
        options: the parameters of a command that has the options of `of_a_job`.
        formats: the audio formats to make, without duplicates.
        chapter_files: whether each chapter is a file of its own as well.

    Raises:
        BadInput: an option makes no sense.
    """
    tags = {}
    for tag in options["tags"]:
        name, equals, value = tag.partition("=")
        if not equals or not name.strip():
            raise BadInput(f"--tag {tag} is not NAME=VALUE.", hint="Write it as in --tag album=Essays.")
        tags[name.strip()] = value
    voices = voice_options.parsed(options["voice"])
    names = ("title", "author", "language", "model", "speed", "max_parallel", "loudness", "cover")
    job_id = options["job_id"]
    return Order(
        job_id=None if job_id is None else checked_id(job_id),
        formats=formats,
        chapter_files=chapter_files,
        metadata=tags,
        show=show_options.place(options),
        voice=voices.main,
        narration=voices.added_to(narration_options.narration(options)),
        **{name: options[name] for name in names},
    )
