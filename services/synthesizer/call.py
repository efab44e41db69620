"""One call to one speech server: sends text, returns the bytes of an audio file, or raises one of our errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

import httpx

from services.synthesizer.audio_validation import longest_seconds
from services.synthesizer.connections import Connections
from services.synthesizer.endpoints import Endpoint
from services.synthesizer.http_errors import EndpointRefused, http_error, not_audio
from shared import tls
from shared.deadlines import deadline
from shared.errors import BadAudio, DeadlineExceeded, SpeechDown, Transient
from shared.tracing import http_calls

AUDIO_BYTES_PER_SECOND = 192_000
"""48 kHz, two channels, 16 bits: for the longest speech that the text may take, the largest answer that is read."""
ERROR_BODY_BYTES = 65_536
_GONE = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


class SpeechRequest(NamedTuple):
    """What to say and how; voice and model in the server's own terms."""

    text: str
    voice: str
    model: str
    speed: float


class ConnectionLost(Transient):
    """The connection was cut before the answer was complete."""


class NoAnswer(ConnectionLost):
    """The connection was cut before anything came: the server died, or a proxy has lost the server behind it."""


async def post(
    connections: Connections, endpoint: Endpoint, request: SpeechRequest, *, deadline_seconds: float
) -> bytes:
    """Call `endpoint` once and return what it sent as audio, not yet judged.

    Raises:
        SpeechRejected: it refused the request or the client.
        SpeechDown: it cannot be reached, is unavailable or asks for a pause.
        DeadlineExceeded: it hung or trickled.
        NoAnswer, ConnectionLost: it cut the connection, before or during its answer.
        BadAudio: it sent something other than audio, or far too much of it.
        Transient: it failed in some other way.
    """
    try:
        async with deadline(deadline_seconds, f"Speech from {endpoint.name}"), connections.client() as client:
            return await _exchange(client, endpoint, request)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _unreachable(error, endpoint) from error
    except httpx.TimeoutException as error:
        raise DeadlineExceeded(f"The speech server at {endpoint.name} stopped answering.") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise EndpointRefused(
            f"{endpoint.name} is not the address of a speech server ({_why(error)}).",
            hint="Correct PODCAST_SPEECH_URL.",
        ) from error
    except httpx.RequestError as error:
        raise NoAnswer(f"The speech server at {endpoint.name} cut the connection ({_why(error)}).") from error


async def probe(connections: Connections, endpoint: Endpoint, *, deadline_seconds: float) -> None:
    """Check that the server answers, without risking a text; any answer except a proxy's error will do.

    Raises:
        SpeechDown: it does not answer.
    """
    try:
        async with (
            deadline(deadline_seconds, f"Probing {endpoint.name}", error=SpeechDown),
            connections.client() as client,
            client.stream("GET", endpoint.models_url) as response,
        ):
            status = response.status_code
    except httpx.ConnectError as error:
        raise _unreachable(error, endpoint) from error
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise SpeechDown(f"{endpoint.name} does not answer ({_why(error)}).") from error
    if status in _GONE:
        raise SpeechDown(f"{endpoint.name} is not reached by its proxy (HTTP {status}).")


def _unreachable(error: Exception, endpoint: Endpoint) -> SpeechDown:
    message, hint = tls.problem(error, f"the speech server at {endpoint.name}") or (
        f"{endpoint.name} cannot be reached ({_why(error)}).",
        "",
    )
    return SpeechDown(message, hint=hint)


async def _exchange(client: httpx.AsyncClient, endpoint: Endpoint, request: SpeechRequest) -> bytes:
    limit = int(longest_seconds(request.text, speed=request.speed) * AUDIO_BYTES_PER_SECOND)
    asked = {
        "model": request.model,
        "input": request.text,
        "voice": request.voice,
        "response_format": "wav",
        "speed": request.speed,
        "stream": False,  # Kokoro-FastAPI streams by default, and then a failure is a truncated 200
    }
    async with client.stream("POST", endpoint.url, json=asked, headers=http_calls.headers()) as response:
        http_calls.answered(response.status_code)
        if response.status_code != httpx.codes.OK:
            raise http_error(
                response.status_code,
                response.headers,
                await _read(response, ERROR_BODY_BYTES),
                endpoint=endpoint.name,
                voice=request.voice,
                model=request.model,
                characters=len(request.text),
            )
        try:
            body = await _read(response, limit + 1)
        except httpx.TimeoutException:
            raise
        except httpx.RequestError as error:
            raise ConnectionLost(
                f"The speech server at {endpoint.name} cut the connection in the middle of its answer ({_why(error)})."
            ) from error
    if len(body) > limit:
        raise BadAudio(
            f"The speech server at {endpoint.name} sent over {limit:,} bytes for {len(request.text)} characters."
        )
    if wrong := not_audio(response.headers, body, endpoint=endpoint.name):
        raise wrong
    return body


async def _read(response: httpx.Response, limit: int) -> bytes:
    """The body, or its first `limit` bytes: the rest stays unread and the connection is closed."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= limit:
            break
    return bytes(body[:limit])


def _why(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
