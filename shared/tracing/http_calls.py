"""Spans of calls to HTTP servers, by OpenTelemetry's HTTP conventions."""

from __future__ import annotations

from urllib.parse import urlsplit

from shared.tracing.spans import NOTHING, Span, current, span

_DEFAULT_PORTS = {"http": 80, "https": 443}


def calling(method: str, url: str, *, route: str = "") -> Span:
    """The span of a call; enter it around the call. Of its address, the server and the route are recorded, no more.

    Args:
        method: of HTTP.
        url: what is called.
        route: the path, if it is one of few; empty: it is a stranger's, and may hold a secret.
    """
    if not current().is_recorded:
        return NOTHING
    parts = urlsplit(url)
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        port = None
    host = parts.hostname or ""
    shown = (f"[{host}]" if ":" in host else host) + (f":{parts.port}" if port and parts.port else "")
    return span(
        f"{method} {route}".strip(),
        kind="client",
        attributes={
            "http.request.method": method,
            "server.address": host,
            "server.port": port,
            "url.full": f"{parts.scheme}://{shown}{route}",
        },
    )


def answered(status: int) -> None:
    """Note the status of the answer on the call's span, which is the current one."""
    current().set({"http.response.status_code": status})


def headers() -> dict[str, str]:
    """The headers that let the server continue the current span's trace; none if nothing is recorded."""
    here = current()
    return {"traceparent": here.context.traceparent} if here.is_recorded and here.context is not None else {}
