"""Which voices and models the speech servers have: all are asked at a time, each under its deadline.

The answer is kept for some seconds, so that a page that lists voices costs the servers nothing; a server that does not
answer is part of the answer.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from fastapi import Request

from shared.client.voices import SpeechClient, Voice
from shared.concurrency import gathered
from shared.errors import NotFound, PodcastError
from shared.settings import Settings
from shared.voice_names import OPENAI_VOICES

_KEPT_SECONDS: Final = 10.0
_AT_A_TIME: Final = 16
_SOON_SECONDS: Final = 0.5
_PLAIN_NAME: Final = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class ServerVoices:
    """What one speech server answered.

    Attributes:
        client: asks it.
        voices: that it lists.
        models: that it lists.
        error: why it lists none; empty if it does.
    """

    client: SpeechClient
    voices: list[Voice] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    error: str = ""


class VoiceCatalogue:
    """The voices of the speech servers that the settings name."""

    def __init__(self, settings: Settings) -> None:
        clients = {client.name: client for client in (SpeechClient(url, settings) for url in settings.speech_urls)}
        self._clients = list(clients.values())
        self._seen: list[ServerVoices] = []
        self._seen_at = -_KEPT_SECONDS
        self._asking = asyncio.Lock()

    async def endpoints(self) -> list[ServerVoices]:
        """Every speech server, as it was seen at most some seconds ago."""
        async with self._asking:  # others wait for the answer that is under way
            if time.monotonic() - self._seen_at >= _KEPT_SECONDS:
                self._seen = await gathered(_look, self._clients, at_a_time=_AT_A_TIME)
                self._seen_at = time.monotonic()
            return self._seen

    async def speakers(self, name: str, model: str | None = None) -> list[tuple[SpeechClient, Voice]]:
        """The servers that may speak with a voice, the best first.

        Raises:
            NotFound: every server lists its voices, and this is not among them.
        """
        seen = await self.endpoints()
        found = [
            (endpoint.client, voice)
            for endpoint in seen
            for voice in endpoint.voices
            if voice.name == name and model in {None, voice.model}
        ]
        silent = [endpoint for endpoint in seen if endpoint.error]
        if not found and not silent:
            raise NotFound(f"There is no voice {name!r}.", hint="`GET /v1/voices` lists the voices.")
        # One that lists none may have the voice all the same, as OpenAI's own.
        unlisted = partial(Voice, name, model or "", "", is_default=False)
        return found + [(endpoint.client, unlisted(server=endpoint.client.name)) for endpoint in silent]

    async def is_unknown(self, voice: str) -> bool:
        """Whether every speech server lists its voices, and this one is not among them.

        Returns False where that is not known soon: whoever asks is waiting for audio. OpenAI's names and blends of
        voices (`a+b`) are accepted by servers that do not list them.
        """
        if voice in OPENAI_VOICES or not _PLAIN_NAME.fullmatch(voice):
            return False
        try:
            async with asyncio.timeout(_SOON_SECONDS):
                seen = await self.endpoints()
        except TimeoutError:
            return False
        if not seen or any(endpoint.error for endpoint in seen):
            return False
        return all(voice != known.name for endpoint in seen for known in endpoint.voices)


async def _look(client: SpeechClient) -> ServerVoices:
    voices, models = await asyncio.gather(client.voices(), client.models(), return_exceptions=True)
    for answer in (voices, models):
        if isinstance(answer, BaseException) and not isinstance(answer, PodcastError):
            raise answer
    return ServerVoices(
        client,
        voices=voices if isinstance(voices, list) else [],
        models=models if isinstance(models, list) else [],
        error=str(voices) if isinstance(voices, BaseException) else "",
    )


def catalogue(request: Request) -> VoiceCatalogue:
    """The catalogue of the application that answers this request."""
    found: VoiceCatalogue = request.app.state.voices
    return found
