"""What a process answers over HTTP about itself: `/healthz`, `/metrics` and `/stacks`, from a thread of its own."""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.runtime.watchdog import LATE_SECONDS, Watchdog


def serve(watchdog: Watchdog, *, host: str, port: int, is_ready: Callable[[], bool], service: str) -> int:
    """Serve `/healthz`, `/metrics` and `/stacks` from a thread of their own.

    `/healthz` answers 200 when the service consumes and its loop turns, else 503 with the reason.

    Returns:
        The port, which is the given one unless that was 0.
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
                healthy = is_ready() and still_seconds < LATE_SECONDS
                body: dict[str, Any] = {
                    "service": service,
                    "ready": is_ready(),
                    "loop_still_seconds": round(still_seconds, 3),
                }
                self._answer(200 if healthy else 503, "application/json", json.dumps(body).encode())
            else:
                self._answer(404, "text/plain", b"/healthz, /metrics or /stacks\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's signature
            """Health checks are not worth a line."""

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
