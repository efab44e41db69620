"""What `podcast voices` asks: speech servers, or an API that stands before them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from podcast_client import AsyncPodcastClient
from services.cli import api_option, speech_servers, targets
from services.cli.backends.http_errors import as_ours
from services.cli.backends.over_http import connected
from shared.client.voices import SpeechClient, Voice
from shared.errors import BadInput


class Speaker(Protocol):
    """Lists voices, and lets them speak."""

    @property
    def name(self) -> str:
        """Its address."""

    async def voices(self) -> list[Voice]:
        """Every voice that it lists."""

    async def say(self, voice: Voice, text: str) -> bytes:
        """A WAV file of the text spoken by the voice."""


class ApiSpeaker:
    """The voices of an API: those of all its speech servers.

    Args:
        client: of the API.
    """

    def __init__(self, client: AsyncPodcastClient) -> None:
        self._client = client
        self.name = client.configuration.url

    async def voices(self) -> list[Voice]:
        """GET /v1/voices."""
        with as_ours(self.name):
            return [
                Voice(
                    voice.name or voice.id, voice.model, voice.language, is_default=voice.default, server=voice.server
                )
                for voice in await self._client.voices()
            ]

    async def say(self, voice: Voice, text: str) -> bytes:
        """POST /v1/voices/{id}/sample."""
        model = {"model": voice.model} if voice.model else {}
        with as_ours(self.name):
            return await self._client.sample(voice.name, text=text, format="wav", **model)


@contextlib.asynccontextmanager
async def opened(directory: Path | None, speech_url: str | None) -> AsyncIterator[list[Speaker]]:
    """Whom to ask for voices.

    Args:
        directory: a stack's folder from the command line.
        speech_url: speech servers from the command line.

    Raises:
        SpeechDown: nobody is named, and no stack runs.
        BadInput: the command line names two.
    """
    if api_option.is_given() and speech_url is not None:
        raise BadInput("--api and --speech-url name two places to ask.", hint="Give one of them.")
    is_named = speech_url is not None or directory is not None or targets.is_set("speech_url")
    target = targets.find(directory) if api_option.is_given() or not is_named else None
    if target is None or target.api is None:
        settings = speech_servers.named(directory, speech_url)
        yield [SpeechClient(url, settings) for url in settings.speech_urls]
        return
    async with connected(target.api) as client:
        yield [ApiSpeaker(client)]
