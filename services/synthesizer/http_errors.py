"""What it means when a speech server does not send audio. Pure: status, headers and body in, one of our errors out."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from shared.errors import BadAudio, PodcastError, SpeechDown, SpeechRejected, Transient
from shared.retry_after import retry_after

WORDS_LIMIT_CHARACTERS = 300
DEFAULT_PAUSE_SECONDS = 5.0
"""The pause for a server that is busy (429) and does not say for how long."""


class EndpointRefused(SpeechRejected):
    """The server refuses this client or has no such route: an operator must act, but another endpoint may work."""


class EndpointBusy(SpeechDown):
    """The server asks for a pause (429, or 503 with Retry-After)."""


class GatewayFailed(Transient):
    """A proxy in front of the server cannot reach it (502, 504)."""


def http_error(  # noqa: PLR0911 - one return for each meaning
    status: int, headers: Mapping[str, str], body: bytes, *, endpoint: str, voice: str, model: str, characters: int
) -> PodcastError:
    """The error for an answer whose status is not 200.

    Args:
        status: the HTTP status.
        headers: the answer's headers; names in lower case.
        body: the answer's body, or its beginning.
        endpoint: the server's address, for the sentence.
        voice: what was requested.
        model: what was requested.
        characters: length of the text that was sent.
    """
    said = words(body)
    quoted = f": {_ended(said)}" if said else f" (HTTP {status})."
    server = f"The speech server at {endpoint}"
    pause = retry_after(headers.get("retry-after"))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        pause = DEFAULT_PAUSE_SECONDS if pause is None else pause
        return EndpointBusy(f"{server} asks for a pause{quoted}", retry_after_seconds=pause)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return SpeechDown(f"{server} is not available{quoted}", retry_after_seconds=pause)
    if status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}:
        return GatewayFailed(f"{server} is not reached by its proxy{quoted}", retry_after_seconds=pause)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}:
        return Transient(f"{server} failed with HTTP {status}{quoted}", retry_after_seconds=pause)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return EndpointRefused(
            f"{server} refuses the key{quoted}", hint="Set PODCAST_SPEECH_API_KEY to a key that it accepts."
        )
    has_no_words = said.lower().rstrip(".") in {"", "not found"}
    if (
        status < HTTPStatus.BAD_REQUEST
        or status == HTTPStatus.METHOD_NOT_ALLOWED
        or (status == HTTPStatus.NOT_FOUND and has_no_words)
    ):
        return EndpointRefused(
            f"{server} has no POST /v1/audio/speech{quoted}",
            hint="PODCAST_SPEECH_URL must be the address of a server that speaks OpenAI's speech API.",
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return SpeechRejected(
            f"{server} finds a text of {characters} characters too long{quoted}",
            hint="Lower PODCAST_CHUNK_LIMIT_CHARACTERS and submit the job again.",
        )
    if re.search(r"\bvoices?\b", said, re.IGNORECASE):
        return SpeechRejected(
            f"{server} does not know the voice {voice!r}{quoted}",
            hint="Name a voice that it has: --voice, or PODCAST_DEFAULT_VOICE.",
        )
    if re.search(r"\bmodels?\b", said, re.IGNORECASE):
        return SpeechRejected(
            f"{server} does not know the model {model!r}{quoted}",
            hint="Name a model that it has: --model, or PODCAST_DEFAULT_MODEL.",
        )
    return SpeechRejected(f"{server} refuses to speak the text{quoted}", hint=f"It answered with HTTP {status}.")


def not_audio(headers: Mapping[str, str], body: bytes, *, endpoint: str) -> BadAudio | None:
    """The error for an answer with status 200 that is clearly not audio; None if it may be audio."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    server = f"The speech server at {endpoint}"
    if not body:
        return BadAudio(f"{server} answered with nothing.", hint="")
    if kind.startswith("text/") or kind.endswith(("json", "xml")) or body.lstrip()[:1] in {b"<", b"{"}:
        said = words(body)
        return BadAudio(
            f"{server} answered with {kind or 'text'} instead of audio" + (f": {_ended(said)}" if said else ".")
        )
    return None


def words(body: bytes) -> str:
    """The server's own words, on one line, extracted from one of the four JSON shapes in use or from a web page."""
    text = body[:16_384].decode("utf-8", "replace").replace("\0", "")
    try:
        found = _said(json.loads(text))
    except ValueError:
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        found = html.unescape(re.sub(r"<[^>]*>", " ", title[1] if title else text))
    line = " ".join(found.split())
    return line if len(line) <= WORDS_LIMIT_CHARACTERS else line[: WORDS_LIMIT_CHARACTERS - 1] + "…"


def _ended(said: str) -> str:
    """A server's words as a complete sentence, since one of ours may follow."""
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


def _said(document: Any) -> str:
    """The words in `{"error": {…}}`, `{"detail": {…}}`, `{"detail": "…"}`, `{"error": "…"}`, and in lists of such."""
    match document:
        case str():
            return document
        case list():
            return "; ".join(filter(None, map(_said, document)))
        case dict():
            for name in ("message", "msg", "error", "detail"):
                if said := _said(document.get(name)):
                    return said
    return ""
