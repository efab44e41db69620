"""A process's HTTP health endpoints, served from a separate thread, so that they work while the event loop is blocked.

`/healthz`: is it alive? 200 while its event loop is running. It does not depend on any server: a supervisor that kills
processes that are not alive must not do so because the broker restarts. `/readyz`: can it work now? `/metrics`,
`/stacks`.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.runtime.watchdog import Watchdog

STILL_LIMIT_SECONDS: Final = 3.0
"""An event loop that has been blocked for this long is not alive; a loaded machine may delay one by a second."""


def serve(watchdog: Watchdog, *, host: str, port: int, unready: Callable[[], list[str]], service: str) -> int:
    """Serve `/healthz`, `/readyz`, `/metrics` and `/stacks` from a separate thread.

    Args:
        watchdog: knows when the event loop last ran.
        host: the address to bind to.
        port: the port; 0 for any.
        unready: returns why the service is not ready; empty if it is. Called outside the event loop's thread.
        service: its name.

    Returns:
        The port in use.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = 5.0

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest())
            elif self.path == "/stacks":
                self._answer(200, "text/plain; charset=utf-8", _stacks(watchdog).encode())
            elif self.path == "/healthz":
                still_seconds = watchdog.seconds_since_beat()
                alive = still_seconds < STILL_LIMIT_SECONDS
                self._say(alive, {"alive": alive, "loop_still_seconds": round(still_seconds, 3)})
            elif self.path == "/readyz":
                still_seconds = watchdog.seconds_since_beat()
                reasons = unready()
                if still_seconds >= STILL_LIMIT_SECONDS:
                    reasons = [f"The event loop has not turned for {still_seconds:.0f} s.", *reasons]
                self._say(not reasons, {"ready": not reasons, "reasons": reasons})
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"/healthz, /readyz, /metrics or /stacks\n")

        def _say(self, good: bool, body: dict[str, Any]) -> None:
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, "application/json", json.dumps({"service": service, **body}).encode())

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's signature
            """Health checks are not logged."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return int(server.server_address[1])


def _stacks(watchdog: Watchdog) -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = [
        f"thread {names.get(ident, ident)}:\n" + "".join(traceback.format_stack(frame))
        for ident, frame in sys._current_frames().items()  # noqa: SLF001 - the documented way to see other threads
    ]
    return "\n".join([*parts, watchdog.tasks()])
