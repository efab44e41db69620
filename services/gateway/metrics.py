"""Metrics of the HTTP API: requests by route and status, and what is open. Plain ASGI, so that streams pass through."""

from __future__ import annotations

import time
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS: Final = Counter(
    "podcast_gateway_requests",
    "HTTP requests that were answered, by method, route (unmatched: there is no such route) and status (none: the "
    "client left before the answer began).",
    ["method", "route", "status"],
)
REQUEST_SECONDS: Final = Histogram(
    "podcast_gateway_request_seconds",
    "Time from a request until its answer began; a stream may go on for hours after that.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
IN_FLIGHT: Final = Gauge(
    "podcast_gateway_requests_in_flight", "HTTP requests whose answer has not ended, streams included."
)
STREAMS: Final = Gauge("podcast_gateway_streams", "Event streams that are open.")
EVENTS_SENT: Final = Counter("podcast_gateway_events_sent", "Server-sent events that were written.")
STREAMS_ENDED: Final = Counter("podcast_gateway_streams_ended", "Event streams that have ended, by why.", ["why"])
WATCHED_JOBS: Final = Gauge("podcast_gateway_watched_jobs", "Jobs whose status is being watched for clients.")
SPEECH: Final = Gauge(
    "podcast_gateway_speech", "Answers with speech that are under way, by what they are: streams or samples.", ["kind"]
)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measured:
    """Counts and times every request; the outermost of the middleware, so that refusals count too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status = "none"

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start" and status == "none":
                status = str(message["status"])
                REQUEST_SECONDS.labels(*_labels(scope)).observe(time.monotonic() - started)
            await send(message)

        with IN_FLIGHT.track_inprogress():
            try:
                await self._app(scope, receive, note)
            finally:
                REQUESTS.labels(*_labels(scope), status).inc()


def _labels(scope: Scope) -> tuple[str, str]:
    """Method and route. A path is a client's choice, and so may a method be."""
    method = scope["method"] if scope["method"] in _METHODS else "other"
    return method, getattr(scope.get("route"), "path", "unmatched")
