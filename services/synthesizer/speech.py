"""Speech over HTTP: any servers with OpenAI's `POST /v1/audio/speech`, used as one pool.

If an endpoint fails, another is tried within the same `speak`; one that is down is not called for a while (each has a
circuit breaker); when all are down the work waits (`SpeechDown`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

import httpx
import structlog

from services.synthesizer import metrics
from services.synthesizer.breaker import Breaker
from services.synthesizer.call import ConnectionLost, NoAnswer, SpeechRequest, post, probe
from services.synthesizer.connections import Connections
from services.synthesizer.endpoints import SPEECH_PATH, Endpoint, choose
from services.synthesizer.http_errors import EndpointBusy, EndpointRefused, GatewayFailed
from shared import tls
from shared.errors import DeadlineExceeded, Misconfigured, PodcastError, SpeechDown, SpeechRejected
from shared.settings import Settings
from shared.tracing import http_calls

log = structlog.get_logger(__name__)

KEEPALIVE_SECONDS = 4.0
"""Idle connections are dropped before the server drops them: uvicorn does after 5 s, and a request would be lost."""
CONNECTION_TRIES = 2
"""An endpoint that drops the connection is tried once more immediately; after any other failure it is not."""
LAST_START_DEADLINES = 1.5
"""No further endpoint is tried after this many call deadlines: if one hangs, another can still take over, and a whole
`speak` ends after 2.5 of them at the latest, which is the deadline of the handler."""


class Spoken(NamedTuple):
    """What a speech server answered, and which one it was."""

    audio: bytes
    endpoint: str


class SpeechPool:
    """The speech servers of `settings.speech_urls`, over one HTTP client. Use it as an async context manager.

    Args:
        settings: addresses, key, deadlines, and when an endpoint counts as down.
        clock: monotonic seconds, for the breakers.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        if not settings.speech_urls:
            raise Misconfigured(
                "No speech server is configured.",
                hint="Set PODCAST_SPEECH_URL to the address of one, or to several with commas between.",
            )
        self._deadline_seconds = settings.speech_deadline_seconds
        self._rest_limit_seconds = settings.retry_after_limit_seconds
        self.endpoints = tuple(
            Endpoint(
                url,
                Breaker(failures=settings.breaker_failures, open_seconds=settings.breaker_open_seconds, clock=clock),
            )
            for url in settings.speech_urls
        )
        for endpoint in self.endpoints:
            metrics.show(endpoint)
        headers = {"Accept": "audio/wav, audio/*", "Accept-Encoding": "identity"}
        if settings.speech_api_key:
            headers["Authorization"] = f"Bearer {settings.speech_api_key}"
        self._connections = Connections(
            partial(
                httpx.AsyncClient,
                headers=headers,
                timeout=httpx.Timeout(settings.speech_deadline_seconds, connect=settings.connect_timeout_seconds),
                limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_SECONDS),
                mounts={f"all://{httpx.URL(one.base).host}": None for one in self.endpoints if one.is_local},
                verify=tls.trusting(settings.ca),  # made once: reading all certificates takes some 20 ms
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def speak(self, text: str, *, voice: str, model: str, speed: float, avoid: str | None = None) -> Spoken:
        """Have `text` spoken.

        Args:
            text: what to say.
            voice: the voice, in the server's own terms.
            model: the model, in the server's own terms.
            speed: 1.0 is the voice's own pace.
            avoid: the endpoint whose last answer was bad; it is called only if there is no other.

        Raises:
            SpeechRejected: a server refused the request itself, and no other spoke it.
            SpeechDown: no server is up; `retry_after_seconds` says when one may be.
            BadAudio: what came was not audio.
            Transient: the servers failed in some other way.
        """
        request = SpeechRequest(text, voice, model, speed)
        failures: list[PodcastError] = []
        tries = dict.fromkeys(self.endpoints, CONNECTION_TRIES)
        last_start = time.monotonic() + LAST_START_DEADLINES * self._deadline_seconds
        while (started := time.monotonic()) < last_start and (endpoint := _next(tries, avoid)):
            tries[endpoint] -= 1
            try:
                return Spoken(await self._call(endpoint, request), endpoint.name)
            except PodcastError as error:
                failures.append(error)
                if not isinstance(error, ConnectionLost):
                    tries[endpoint] = 0
                seconds = round(time.monotonic() - started, 3)
                log.warning("speech failed", endpoint=endpoint.name, seconds=seconds, reason=str(error))
        raise self._verdict(failures)

    async def _call(self, endpoint: Endpoint, request: SpeechRequest) -> bytes:
        """Call one endpoint, and record the outcome in its breaker."""
        outcome = "abandoned"
        started = time.monotonic()
        with endpoint.call():
            try:
                audio = await self._post(endpoint, request)
            except EndpointBusy as error:
                endpoint.breaker.answered()
                endpoint.breaker.rest(min(error.retry_after_seconds or 0, self._rest_limit_seconds))
                outcome = "busy"
                raise
            except (SpeechDown, DeadlineExceeded, GatewayFailed, NoAnswer) as error:
                endpoint.breaker.failed()
                endpoint.breaker.rest(min(error.retry_after_seconds or 0, self._rest_limit_seconds))
                outcome = "down"
                raise
            except PodcastError as error:
                endpoint.breaker.answered()
                outcome = type(error).__name__
                raise
            else:
                endpoint.breaker.answered()
                outcome = "spoken"
                return audio
            finally:
                if outcome == "abandoned":  # cancelled, or a bug: it shows nothing about the endpoint
                    endpoint.breaker.abandoned()
                metrics.CALL_SECONDS.labels(endpoint.name, outcome).observe(time.monotonic() - started)

    async def _post(self, endpoint: Endpoint, request: SpeechRequest) -> bytes:
        """Post, within the deadline of a call; probe first if the server was down."""
        left_seconds = self._deadline_seconds
        if endpoint.breaker.is_half_open:
            started = time.monotonic()
            await probe(self._connections, endpoint, deadline_seconds=left_seconds)
            left_seconds -= round(time.monotonic() - started, 3)
        with http_calls.calling("POST", endpoint.url, route=SPEECH_PATH):
            return await post(self._connections, endpoint, request, deadline_seconds=left_seconds)

    def _verdict(self, failures: list[PodcastError]) -> PodcastError:
        """The failure that is reported for all endpoints.

        A refused text takes precedence, then a transient failure, which counts as an attempt. An endpoint that refuses
        this client counts only if none of the others is merely down.
        """
        verdicts = [failure for failure in failures if not isinstance(failure, SpeechDown)]
        if len(verdicts) < len(failures) or not all(endpoint.breaker.admits for endpoint in self.endpoints):
            verdicts = [failure for failure in verdicts if not isinstance(failure, EndpointRefused)]
        if verdicts:
            return min(verdicts, key=_precedence)
        names = ", ".join(endpoint.name for endpoint in self.endpoints)
        return SpeechDown(
            f"No speech server answers ({names})." + (f" {failures[-1].message}" if failures else ""),
            hint=(failures[-1].hint if failures else "")
            or "Start one, or correct PODCAST_SPEECH_URL; the work waits meanwhile.",
            retry_after_seconds=min(endpoint.breaker.wait_seconds for endpoint in self.endpoints) or None,
        )


def _next(tries: Mapping[Endpoint, int], avoid: str | None) -> Endpoint | None:
    """An endpoint with tries left: one that was not called yet, else one that dropped the connection."""
    fresh = [endpoint for endpoint, left in tries.items() if left == CONNECTION_TRIES]
    again = [endpoint for endpoint, left in tries.items() if 0 < left < CONNECTION_TRIES]
    return choose(fresh, avoid=avoid) or choose(again, avoid=avoid)


def _precedence(failure: PodcastError) -> int:
    if isinstance(failure, EndpointRefused):
        return 2
    return 0 if isinstance(failure, SpeechRejected) else 1
