"""Plays a job while it is spoken, through a player of this machine. What is played is what is there, in order."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeVar

import click

from shared.errors import BadInput, PodcastError

PLAYERS: Final[tuple[tuple[str, ...], ...]] = (
    ("mpv", "--no-video", "--no-terminal", "-"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet", "-i", "pipe:0"),
    ("cvlc", "--play-and-exit", "--quiet", "-"),
    ("play", "-q", "-t", "wav", "-"),
    ("aplay", "-q", "-"),
)
"""Players that read a WAV of unknown length from their standard input; the first one that is there is used."""
_END_SECONDS: Final = 2.0

Function = TypeVar("Function", bound=Callable[..., Any])


def play_option(command: Function) -> Function:
    """Whether it is played."""
    option = click.option("--play", is_flag=True, help="Play it while it is spoken: mpv, ffplay or another player.")
    return option(command)


def command() -> tuple[str, ...]:
    """How to call a player.

    Raises:
        BadInput: there is none.
    """
    for name, *options in PLAYERS:
        if (path := shutil.which(name)) is not None:
            return (path, *options)
    names = ", ".join(name for name, *_ in PLAYERS)
    raise BadInput(f"No player is installed ({names}).", hint="Install one of them, or listen to `podcast stream ID`.")


Heard = asyncio.Task[PodcastError | None]
"""Ends when all of it was heard, or when the player was closed; returns why the audio ended early, if it did."""


@contextlib.asynccontextmanager
async def playing(
    found: Sequence[str] | None, pieces: Callable[[], AsyncGenerator[bytes, None]]
) -> AsyncIterator[Heard | None]:
    """Play while the context lasts; nothing that is done meanwhile waits for the player.

    Args:
        found: how to call it; None: nothing is played.
        pieces: of a WAV.
    """
    if found is None:
        yield None
        return
    task = asyncio.create_task(_play(found, pieces()))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def to_the_end(heard: Heard | None, say: Callable[[str], None]) -> None:
    """Wait until all of it was heard, or the player was closed; tell why, if it ended early."""
    if heard is not None and (problem := await heard) is not None:
        say(f"It could not be played to the end: {problem}")


async def _play(found: Sequence[str], pieces: AsyncGenerator[bytes, None]) -> PodcastError | None:
    problem: PodcastError | None = None
    async with aclosing(pieces):
        quiet = asyncio.subprocess.DEVNULL
        child = await asyncio.create_subprocess_exec(*found, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet)
        try:
            problem = await _fed(child, pieces)
            await child.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            async with asyncio.timeout(_END_SECONDS):
                await child.wait()
    return problem


async def _fed(child: asyncio.subprocess.Process, pieces: AsyncGenerator[bytes, None]) -> PodcastError | None:
    """Give the player all there is; what cannot be spoken ends it."""
    assert child.stdin is not None  # noqa: S101 - started with a pipe
    ended = asyncio.create_task(child.wait())
    try:
        while piece := await _next(pieces, ended):
            child.stdin.write(piece)
            await child.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return None  # closed by whoever listens
    except PodcastError as error:
        return error
    finally:
        ended.cancel()
        child.stdin.close()
    return None


async def _next(pieces: AsyncGenerator[bytes, None], ended: asyncio.Task[int]) -> bytes:
    """The next piece; nothing at the end, or when the player is gone."""

    async def following() -> bytes:
        return await anext(pieces, b"")

    getting = asyncio.create_task(following())
    try:
        await asyncio.wait({getting, ended}, return_when=asyncio.FIRST_COMPLETED)
        return getting.result() if getting.done() else b""
    finally:
        getting.cancel()
        await asyncio.wait({getting})
