"""Spans of the requests that a server answers, by OpenTelemetry's HTTP conventions: plain ASGI, streams pass through.

A request continues the trace of its client, if the client sends a `traceparent`. Whether it is recorded is decided here
all the same: a stranger must not be able to have everything recorded.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.runtime.logs import trace_of
from shared.tracing import spans
from shared.tracing.context import TraceContext
from shared.tracing.spans import Recorder, Span

TRACERESPONSE: Final = "traceresponse"
"""The header of an answer that names the span of its request (https://w3c.github.io/trace-context/)."""
_METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})


class HttpTraces:
    """Records requests.

    Args:
        app: what answers.
        untraced: paths that are never recorded.
        is_inside: only our own services call it: their decision counts, and nothing begins a trace here.
    """

    def __init__(self, app: ASGIApp, *, untraced: Collection[str] = (), is_inside: bool = False) -> None:
        self._app = app
        self._untraced = frozenset(untraced)
        self._is_inside = is_inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        recorder = spans.recorder()
        if recorder is None or scope["type"] != "http" or scope["path"] in self._untraced:
            await self._app(scope, receive, send)
            return
        span = self._begun(recorder, scope)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                _note(span, message)
            await send(message)

        with span, structlog.contextvars.bound_contextvars(**trace_of(span)):
            try:
                await self._app(scope, receive, noting if span.is_recorded else send)
            finally:
                _name(span, scope)

    def _begun(self, recorder: Recorder, scope: Scope) -> Span:
        given = _context(scope)
        is_believed = self._is_inside or (recorder.trusts_clients and given is not None and given.is_sampled)
        # If not believed, not by the trace id either: a stranger may choose one that is always sampled.
        is_sampled = (
            given is not None and given.is_sampled if is_believed else random.random() < recorder.ratio  # noqa: S311 - no secret
        )
        above = None if given is None else TraceContext(given.trace_id, given.span_id, is_sampled)
        own = None if above else TraceContext(_bits(128), _bits(64), is_sampled)
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        span = spans.start(
            method,
            kind="server",
            parent=above,
            own=own,
            attributes={
                "http.request.method": method,
                "url.scheme": scope.get("scheme"),
                "url.path": scope["path"][:500],
            },
        )
        span.is_forced = is_believed and is_sampled and not self._is_inside
        return span


def _context(scope: Scope) -> TraceContext | None:
    found = Headers(scope=scope).getlist("traceparent")
    return TraceContext.read(found[0]) if len(found) == 1 else None


def _note(span: Span, start: Message) -> None:
    status: int = start["status"]
    span.set({"http.response.status_code": status})
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.failed(str(status), reason="")
    if span.context is not None:
        MutableHeaders(scope=start)[TRACERESPONSE] = span.context.traceparent


def _name(span: Span, scope: Scope) -> None:
    route = getattr(scope.get("route"), "path", None)
    span.set({"podcast.request.id": scope.get("state", {}).get("request_id")})
    if span.is_recorded and isinstance(route, str):
        span.set({"http.route": route})
        span.rename(f"{scope['method']} {route}")


def _bits(count: int) -> int:
    return random.getrandbits(count) or 1
