"""What a client may request: the body of `POST /v1/audio/speech`, checked before any work is queued."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from services.speech.catalogue import HOW_TO_INSTALL, KNOWN_ENGINES, Engine
from services.speech.encoding import MEDIA_TYPES
from shared.voice_names import OPENAI_VOICES

INPUT_LIMIT_CHARACTERS = 4_096
"""OpenAI's own limit."""
BODY_LIMIT_BYTES = 64_000
"""4,096 characters of up to four bytes, which JSON escapes as up to twelve, and the other fields."""
SLOWEST, FASTEST = 0.25, 4.0
"""OpenAI's range of `speed`; an engine may have a narrower one."""
DEFAULT_MODELS = ("default", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Model names that mean the default engine: clients made for OpenAI send one of OpenAI's."""


class Refused(Exception):
    """The request cannot be answered: an HTTP status and an error in OpenAI's shape.

    Attributes:
        status: HTTP status.
        message: a sentence for people.
        code: a word for programs.
        param: the wrong field, or None.
        kind: OpenAI's error type.
        retry_after_seconds: when to try again, or None.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        *,
        kind: str = "invalid_request_error",
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class SpeechRequest:
    """A request that can be answered, unless the engine fails."""

    text: str
    engine: str
    voice: str
    voice_source: str
    speed: float
    audio_format: str


def parse(body: bytes, engines: dict[str, Engine], default_engine: str) -> SpeechRequest:
    """Check a request and fill in its defaults.

    Args:
        body: as received over HTTP.
        engines: what this machine has.
        default_engine: one of `engines`, for the model names in `DEFAULT_MODELS`.

    Raises:
        Refused: says which field is wrong and what would be right.
    """
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise Refused(400, f"The body is not JSON: {error}.", "invalid_json") from error
    except RecursionError as error:
        raise Refused(400, "The body is nested too deeply.", "invalid_json") from error
    if not isinstance(fields, dict):
        raise Refused(400, "The body is not a JSON object.", "invalid_json")
    text = _text(fields)
    engine = _engine(fields, engines, default_engine)
    voice = _voice(fields, engine, engines)
    return SpeechRequest(
        text=text,
        engine=engine.name,
        voice=voice,
        voice_source=engine.voices[voice],
        speed=_speed(fields, engine),
        audio_format=_format(fields),
    )


def _string(fields: dict[str, Any], name: str, default: str | None) -> str:
    value = fields.get(name)
    if value is None and default is not None:
        return default
    if value is None:
        raise Refused(400, f"`{name}` is missing.", "missing_required_parameter", name)
    if not isinstance(value, str):
        raise Refused(400, f"`{name}` is not a string.", "invalid_type", name)
    return value


def _text(fields: dict[str, Any]) -> str:
    text = _string(fields, "input", None)
    if len(text) > INPUT_LIMIT_CHARACTERS:
        raise Refused(
            400,
            f"`input` has {len(text):,} characters; at most {INPUT_LIMIT_CHARACTERS:,} are spoken in one call.",
            "string_above_max_length",
            "input",
        )
    # A lone surrogate is valid in JSON but not in Unicode text: no engine could take it.
    text = text.encode(errors="replace").decode().replace("\x00", " ")
    if not text.strip():
        raise Refused(400, "`input` is empty.", "empty_input", "input")
    return text


def _engine(fields: dict[str, Any], engines: dict[str, Engine], default_engine: str) -> Engine:
    model = _string(fields, "model", "default")
    name = default_engine if model in DEFAULT_MODELS else model
    if name in engines:
        return engines[name]
    if name in KNOWN_ENGINES:
        raise Refused(404, f"The model {name} is not set up here. {HOW_TO_INSTALL[name]}", "model_not_found", "model")
    raise Refused(
        404, f"There is no model {name!r}; there are {', '.join(engines)} and default.", "model_not_found", "model"
    )


def _voice(fields: dict[str, Any], engine: Engine, engines: dict[str, Engine]) -> str:
    voice = _string(fields, "voice", "default")
    if voice == "default" or (voice in OPENAI_VOICES and voice not in engine.voices):
        return engine.default_voice
    if voice in engine.voices:
        return voice
    owner = next((other.name for other in engines.values() if voice in other.voices), None)
    hint = f"it belongs to the model {owner}" if owner else "GET /v1/audio/voices lists them"
    raise Refused(400, f"The model {engine.name} has no voice {voice!r}; {hint}.", "voice_not_found", "voice")


def _speed(fields: dict[str, Any], engine: Engine) -> float:
    speed = fields.get("speed")
    if speed is None:
        return 1.0
    if isinstance(speed, bool) or not isinstance(speed, int | float):
        raise Refused(400, "`speed` is not a number.", "invalid_type", "speed")
    slowest, fastest = max(SLOWEST, engine.slowest), min(FASTEST, engine.fastest)
    if not slowest <= speed <= fastest:
        raise Refused(
            400,
            f"`speed` is out of range: the model {engine.name} speaks at {slowest:g} to {fastest:g}.",
            "speed_out_of_range",
            "speed",
        )
    return float(speed)


def _format(fields: dict[str, Any]) -> str:
    audio_format = _string(fields, "response_format", "mp3")
    if audio_format not in MEDIA_TYPES:
        raise Refused(
            400,
            f"`response_format` is {audio_format!r}; there are {', '.join(MEDIA_TYPES)}.",
            "unsupported_format",
            "response_format",
        )
    return audio_format
