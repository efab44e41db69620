"""`podcast voices`: which voices the speech servers have, and how they sound."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from services.cli import columns, interrupts, printing, targets
from services.cli.backends import speakers
from services.cli.backends.speakers import Speaker
from services.cli.columns import Column, rows
from shared.client import destinations
from shared.client.voices import Voice, sample_text
from shared.concurrency import gathered
from shared.errors import BadInput, NotFound, PodcastError, SpeechDown
from shared.text import one_line

SAMPLES_LIMIT: Final = 50
"""Voices that are sampled at once: espeak-ng alone has more than a hundred."""
_AT_A_TIME: Final = 2
_SAMPLES_FOLDER: Final = "voice-samples/"


@click.command()
@click.option("--language", metavar="TAG", help="Only voices of a language, such as de or en-GB.")
@click.option("--model", help="Only voices of a model; our own server has one for each engine.")
@click.option("--sample", is_flag=True, help=f"Write a short WAV file of each (at most {SAMPLES_LIMIT}).")
@click.option("-o", "--output", metavar="DIR", help=f"Where samples go; {_SAMPLES_FOLDER} if not said.")
@click.option("--speech-url", metavar="URL[,URL]", help="Speech servers to ask; else those of the stack.")
@targets.on_a_stack
def voices(  # noqa: PLR0917 - click passes them by name
    language: str | None,
    model: str | None,
    sample: bool,
    output: str | None,
    speech_url: str | None,
    directory: Path | None,
    as_json: bool,
) -> None:
    """List the voices, and how they sound.

    Those of the speech servers that PODCAST_SPEECH_URL names, of an API, or of the running stack's.
    """
    if output is not None and not sample:
        raise BadInput("-o says where samples go.", hint="Add --sample.")
    folder = _folder(output or _SAMPLES_FOLDER) if sample else None

    async def work() -> tuple[list[Voice], dict[Voice, Path]]:
        async with speakers.opened(directory, speech_url) as asked:
            listed = await _all(asked)
            chosen = _chosen([voice for voice, _ in listed], language, model)
            if folder is None or not chosen:
                return chosen, {}
            if len(chosen) > SAMPLES_LIMIT:
                raise BadInput(
                    f"There are {len(chosen)} voices; at most {SAMPLES_LIMIT} are sampled in one go.",
                    hint="Choose with --language or --model.",
                )
            return chosen, await _sampled(chosen, dict(listed), folder)

    found, samples = interrupts.run(work())
    if as_json:
        printing.say_json(
            [
                {
                    "voice": voice.name,
                    "model": voice.model,
                    "language": voice.language,
                    "default": voice.is_default,
                    "server": voice.server,
                    **({"sample": str(samples[voice])} if voice in samples else {}),
                }
                for voice in found
            ]
        )
    elif found:
        printing.say(_table(found, several_servers=len({voice.server for voice in found}) > 1))
    else:
        printing.note("There is no such voice.")
    if samples and not as_json:
        printing.note(f"{len(samples)} samples are in {one_line(str(folder))}.")


async def _all(asked: Sequence[Speaker]) -> list[tuple[Voice, Speaker]]:
    """The voices of everyone who lists them, with whom to ask for a sample.

    Raises:
        SpeechDown, NotFound: no server lists any.
    """
    answers = await asyncio.gather(*(client.voices() for client in asked), return_exceptions=True)
    found: list[tuple[Voice, Speaker]] = []
    problems: list[PodcastError] = []
    for client, answer in zip(asked, answers, strict=True):
        match answer:
            case NotFound():
                problems.append(
                    NotFound(
                        f"The speech server at {client.name} does not list its voices (OpenAI's own API cannot).",
                        hint="Its documentation names them; --voice takes any.",
                    )
                )
            case PodcastError():
                problems.append(answer)
            case BaseException():
                raise answer
            case _:
                found += [(voice, client) for voice in answer]
    if not found and problems:
        raise problems[0]
    for problem in problems:
        printing.note(one_line(str(problem)))
    return found


def _chosen(found: list[Voice], language: str | None, model: str | None) -> list[Voice]:
    return [
        voice
        for voice in found
        if (language is None or voice.speaks(language)) and (model is None or voice.model == model)
    ]


def _table(found: Sequence[Voice], *, several_servers: bool) -> str:
    layout = [Column("VOICE"), Column("LANGUAGE"), Column("MODEL")]
    cells = [
        [
            one_line(voice.name) + (" (default)" if voice.is_default else ""),
            one_line(voice.language) or "-",
            one_line(voice.model) or "-",
            *([one_line(voice.server)] if several_servers else []),
        ]
        for voice in found
    ]
    if several_servers:
        layout.append(Column("SERVER", rest=True))
    return "\n".join(rows(layout, cells, width=columns.terminal_width()))


def _folder(output: str) -> Path:
    """The folder for samples; it is created when the first of them exists.

    Raises:
        BadInput: nothing can be written there, or there is a file with that name.
    """
    to = destinations.destination(output)
    if not to.is_folder:
        raise BadInput(f"{output} is no folder.", hint=f"Write {output}/ to make one.")
    return to.path


def _written(folder: Path, voice: Voice, audio: bytes) -> Path:
    path = folder / f"{destinations.file_name(f'{voice.model} {voice.name}')}.wav"
    try:
        if not folder.is_dir():
            folder.mkdir()
            printing.note(f"Made the folder {one_line(str(folder))}.")
        path.write_bytes(audio)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror or error}.", hint="Name another place.") from error
    return path


async def _sampled(chosen: Sequence[Voice], speaks: Mapping[Voice, Speaker], folder: Path) -> dict[Voice, Path]:
    """Have each voice speak a sentence: voice → file."""
    samples: dict[Voice, Path] = {}

    async def one(voice: Voice) -> None:
        try:
            audio = await speaks[voice].say(voice, sample_text(voice.language))
        except PodcastError as error:
            printing.note(one_line(f"{voice.name}: {error}"))
            return
        samples[voice] = _written(folder, voice, audio)

    await gathered(one, chosen, at_a_time=_AT_A_TIME)
    if not samples:
        raise SpeechDown("No voice could be sampled.")
    return samples
