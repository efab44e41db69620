"""Queries speech servers for their voices and requests samples: OpenAI's API and its usual additions.

OpenAI's own API lists no voices. Kokoro-FastAPI, openai-edge-tts and our own server add `GET /v1/audio/voices`, which
answers with `{"voices": [...]}` (or a bare list) of names or of objects with `id` or `name`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx

from shared import tls
from shared.addresses import without_login
from shared.deadlines import deadline
from shared.errors import NotFound, SpeechDown, SpeechRejected
from shared.settings import Settings
from shared.voice_names import language_in

VOICES_PATH: Final = "/v1/audio/voices"
MODELS_PATH: Final = "/v1/models"
SPEECH_PATH: Final = "/v1/audio/speech"
_LIST_SECONDS: Final = 10.0
_LIST_LIMIT_BYTES: Final = 5_000_000
_SAMPLE_LIMIT_BYTES: Final = 20_000_000
_MARKS: Final = {"wav": (b"RIFF",), "mp3": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa", b"\xff\xe3")}
"""How a file of each format begins."""
_SAMPLE_TEXTS: Final = {
    "de": "So klingt diese Stimme, wenn sie dir etwas vorliest.",
    "en": "This is how the voice sounds when it reads to you.",
    "es": "Así suena esta voz cuando te lee algo.",
    "fr": "Voici comment cette voix vous fait la lecture.",
    "it": "Ecco come suona questa voce quando legge per te.",
    "nl": "Zo klinkt deze stem als ze je voorleest.",
    "pl": "Tak brzmi ten głos, kiedy ci czyta.",
    "pt": "É assim que esta voz soa quando lê para você.",
}


@dataclass(frozen=True)
class Voice:
    """One voice of a server.

    Attributes:
        name: the value for `--voice`.
        model: the value for `--model`; empty: the server's only one.
        language: a BCP 47 tag; empty if unknown.
        is_default: whether it is used when no voice is named.
        server: the server's address, without a password.
    """

    name: str
    model: str
    language: str
    is_default: bool
    server: str

    def speaks(self, tag: str) -> bool:
        """Whether it speaks a language: `en` is spoken by `en-US`; `en-US` not by `en-GB`."""
        mine, asked = self.language.lower(), tag.lower().replace("_", "-")
        return mine == asked or mine.startswith(f"{asked}-")


class SpeechClient:
    """A client of a speech server, for a command.

    Args:
        url: its address, as in PODCAST_SPEECH_URL.
        settings: key and time-outs.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self._root = url.rstrip("/").removesuffix(SPEECH_PATH).removesuffix("/v1")
        self.name = without_login(self._root)
        self._speech_seconds = settings.speech_deadline_seconds
        self._timeout = httpx.Timeout(settings.speech_deadline_seconds, connect=settings.connect_timeout_seconds)
        key = settings.speech_api_key
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._ca = settings.ca
        self._is_local = urlsplit(self._root).hostname in {"127.0.0.1", "localhost"}

    async def voices(self) -> list[Voice]:
        """Every voice that the server lists.

        Raises:
            NotFound: the server lists no voices.
            SpeechDown: it does not answer, or its answer cannot be understood.
        """
        body = await self._call("GET", VOICES_PATH, seconds=_LIST_SECONDS, limit_bytes=_LIST_LIMIT_BYTES)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise SpeechDown(f"The speech server at {self.name} does not answer in JSON.") from error
        listed = document.get("voices", document.get("data")) if isinstance(document, dict) else document
        if not isinstance(listed, list):
            raise SpeechDown(f"The speech server at {self.name} lists its voices in a form that is not known here.")
        return [voice for one in listed if (voice := self._voice(one)) is not None]

    async def models(self) -> list[str]:
        """The models that the server lists.

        Raises:
            NotFound: it lists none.
            SpeechDown: it does not answer, or its answer cannot be understood.
        """
        body = await self._call("GET", MODELS_PATH, seconds=_LIST_SECONDS, limit_bytes=_LIST_LIMIT_BYTES)
        try:
            return [str(one["id"]) for one in json.loads(body)["data"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SpeechDown(f"The speech server at {self.name} does not list its models.") from error

    async def say(self, voice: Voice, text: str, *, audio_format: Literal["wav", "mp3"] = "wav") -> bytes:
        """A file of the text spoken by the voice.

        Raises:
            SpeechRejected: the server refuses.
            SpeechDown: it does not answer, or not with such a file.
        """
        asked = {"model": voice.model or "default", "voice": voice.name, "input": text, "response_format": audio_format}
        try:
            audio = await self._call(
                "POST", SPEECH_PATH, seconds=self._speech_seconds, limit_bytes=_SAMPLE_LIMIT_BYTES, document=asked
            )
        except NotFound as error:
            raise SpeechRejected(f"The speech server at {self.name} does not speak as {voice.name}.") from error
        if not audio.startswith(_MARKS[audio_format]):
            kind = audio_format.upper()
            raise SpeechDown(f"The speech server at {self.name} did not answer with a {kind} file for {voice.name}.")
        return audio

    async def _call(
        self, method: str, path: str, *, seconds: float, limit_bytes: int, document: dict[str, str] | None = None
    ) -> bytes:
        body = bytearray()
        try:
            async with (
                deadline(seconds, f"asking {self.name}", error=SpeechDown),
                httpx.AsyncClient(
                    timeout=self._timeout,
                    headers=self._headers,
                    trust_env=not self._is_local,
                    verify=tls.trusting(self._ca),
                ) as client,
                client.stream(method, self._root + path, json=document) as answer,
            ):
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > limit_bytes:
                        raise SpeechDown(f"The speech server at {self.name} does not stop answering.")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message, hint = tls.problem(error, f"the speech server at {self.name}") or (
                f"The speech server at {self.name} cannot be asked: {str(error) or type(error).__name__}.",
                "",
            )
            raise SpeechDown(message, hint=hint) from error
        if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}:
            raise NotFound(f"The speech server at {self.name} has no {path}.")
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise SpeechDown(f"The speech server at {self.name} answers {path} with HTTP {answer.status_code}.")
        if answer.status_code != httpx.codes.OK:
            raise SpeechRejected(f"The speech server at {self.name} answers {path} with HTTP {answer.status_code}.")
        return bytes(body)

    def _voice(self, one: Any) -> Voice | None:
        facts = one if isinstance(one, dict) else {}
        name = one if isinstance(one, str) else facts.get("id") or facts.get("name")
        if not isinstance(name, str) or not name:
            return None
        language = facts.get("language") or facts.get("locale") or facts.get("lang") or language_in(name)
        return Voice(
            name,
            model=str(facts.get("model") or ""),
            language=language if isinstance(language, str) else "",
            is_default=facts.get("default") is True,
            server=self.name,
        )


def sample_text(language: str) -> str:
    """A sentence in a language, to hear a voice with; an English one if there is none.

    Args:
        language: BCP 47 tag; may be empty.
    """
    return _SAMPLE_TEXTS.get(re.split(r"[-_]", language.lower())[0], _SAMPLE_TEXTS["en"])
