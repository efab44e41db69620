"""The speech servers as commands see them: whether they are reachable, and which engines they have."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

from services.cli import own_stack
from shared.addresses import without_password
from shared.client.voices import SpeechClient
from shared.errors import BadInput, NotFound, SpeechDown
from shared.settings import Settings, load
from shared.text import one_line


def named(directory: Path | None, speech_url: str | None) -> Settings:
    """The settings with the addresses of the speech servers to ask.

    Args:
        directory: a stack's folder from the command line.
        speech_url: addresses from the command line, which take precedence.

    Raises:
        SpeechDown: no speech server is configured.
    """
    settings = load() if directory is None else load().model_copy(update={"state_dir": directory})
    if speech_url is not None:
        return settings.model_copy(update={"speech_url": speech_url})
    if directory is not None or not settings.speech_urls:
        settings = own_stack.running(settings) or settings
    if not settings.speech_urls:
        raise SpeechDown(
            "No stack is running, and PODCAST_SPEECH_URL names no speech server.",
            hint="Start a stack with `podcast up`, or name a server with --speech-url.",
        )
    return settings


async def check_engine(settings: Settings, engine: str) -> None:
    """Check that a speech server of a stack has an engine, so that a job may name it as its model.

    Raises:
        BadInput: none of them has it, or they do not say.
        SpeechDown: they do not answer.
    """
    if not settings.speech_urls:
        raise BadInput(
            "Which engines this stack's speech servers have cannot be told from here.",
            hint=f"Set PODCAST_SPEECH_URL, or ask for it with --model {engine}.",
        )
    has: dict[str, None] = {}
    for url in settings.speech_urls:
        try:
            models = await SpeechClient(url, settings).models()
        except NotFound:
            continue
        if engine in models:
            return
        has |= dict.fromkeys(models)
    names = one_line(", ".join(has)) or "none that it names"
    raise BadInput(
        f"The stack's speech server has no engine {engine}.",
        hint=f"It has {names}. `podcast up --engine {engine}` starts a stack with it.",
    )


async def check(urls: tuple[str, ...], *, timeout_seconds: float) -> list[str]:
    """Check whether the speech servers accept connections.

    Returns:
        A line about each one that does not, provided that another one does.

    Raises:
        SpeechDown: none of them does.
        BadInput: an address is invalid.
    """
    problems = await asyncio.gather(*(_refusal(url, timeout_seconds) for url in urls))
    found = [problem for problem in problems if problem is not None]
    if urls and len(found) == len(urls):
        raise SpeechDown(" ".join(found), hint="Start it, or give another address with --speech-url.")
    return found


async def _refusal(url: str, timeout_seconds: float) -> str | None:
    shown = without_password(url)
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise BadInput(f"{shown} is no address: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadInput(f"{shown} is no http or https address of a speech server.", hint="Write http://HOST:PORT.")
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except TimeoutError:
        return f"The speech server at {shown} does not answer."
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        return f"The speech server at {shown} cannot be reached: {reason}."
    writer.close()
    return None
