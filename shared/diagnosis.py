"""Seeing into a process that hangs: its stacks, its tasks, its event loop's pulse.

A thread beside the loop answers `/healthz`, `/metrics` and `/stacks` even while the loop stands still, and ends the
process when it has stood still for too long: the broker then redelivers what was in hand.
"""

from __future__ import annotations

import asyncio
import faulthandler
import io
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared import metrics

log = structlog.get_logger(__name__)

STALLED_EXIT_CODE = 70
"""EX_SOFTWARE: a supervisor starts the process again."""

_BEAT_SECONDS = 0.25
_LATE_SECONDS = 1.0
"""A loop that is later than this is worth a line in the log."""
_TASK_FRAMES = 8


class Pulse:
    """The event loop's pulse, and the thread that watches it.

    Args:
        limit_seconds: how long the loop may stand still.
        in_flight: what is being handled now, for the log.
    """

    def __init__(self, *, limit_seconds: float, in_flight: Callable[[], list[str]]) -> None:
        self._limit_seconds = limit_seconds
        self._in_flight = in_flight
        self._last_beat = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._expected = 0.0
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin beating on the running loop, and watching."""
        self._loop = asyncio.get_running_loop()
        self._expected = time.monotonic() + _BEAT_SECONDS
        self._loop.call_later(_BEAT_SECONDS, self._beat)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching: the loop is about to end."""
        self._ended.set()

    def seconds_since_beat(self) -> float:
        """How long the loop has not turned."""
        return time.monotonic() - self._last_beat

    def tasks(self) -> str:
        """Every task of the loop, where it waits, and what is in flight."""
        lines = [f"in flight: {', '.join(self._in_flight()) or 'nothing'}"]
        # The set may change while another thread reads it; a second look is enough.
        for _ in range(3):
            try:
                tasks = list(asyncio.all_tasks(self._loop)) if self._loop else []
                break
            except RuntimeError:
                tasks = []
        for task in tasks:
            stack = io.StringIO()
            traceback.print_list(
                traceback.StackSummary.extract((frame, frame.f_lineno) for frame in task.get_stack(limit=_TASK_FRAMES)),
                file=stack,
            )
            lines.append(f"task {task.get_name()}:\n{stack.getvalue()}")
        return "\n".join(lines)

    def dump(self) -> None:
        """Write the stacks of all threads and tasks to the log."""
        print(f"--- stacks of process {os.getpid()} ---", file=sys.stderr)  # noqa: T201 - must not wait for log locks
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        print(self.tasks(), "--- end of stacks ---", sep="\n", file=sys.stderr, flush=True)  # noqa: T201 - as above

    def _beat(self) -> None:
        now = time.monotonic()
        lag = max(0.0, now - self._expected)
        metrics.LOOP_LAG_SECONDS.set(lag)
        if lag > _LATE_SECONDS:
            log.warning("the event loop was late", seconds=round(lag, 2), in_flight=self._in_flight())
        self._last_beat = now
        self._expected = now + _BEAT_SECONDS
        if self._loop is not None:
            self._loop.call_later(_BEAT_SECONDS, self._beat)

    def _watch(self) -> None:
        while not self._ended.wait(_BEAT_SECONDS):
            stalled = self.seconds_since_beat()
            if stalled > self._limit_seconds:
                print(  # noqa: T201 - the log's lock may be what the loop waits for
                    f"watchdog: the event loop has not turned for {stalled:.1f} s; ending the process",
                    file=sys.stderr,
                    flush=True,
                )
                self.dump()
                os._exit(STALLED_EXIT_CODE)


def serve(pulse: Pulse, *, host: str, port: int, is_ready: Callable[[], bool], service: str) -> int:
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
                self._answer(200, "text/plain; charset=utf-8", _stacks(pulse).encode())
            elif self.path == "/healthz":
                still_seconds = pulse.seconds_since_beat()
                healthy = is_ready() and still_seconds < _LATE_SECONDS
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


def _stacks(pulse: Pulse) -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = [
        f"thread {names.get(ident, ident)}:\n" + "".join(traceback.format_stack(frame))
        for ident, frame in sys._current_frames().items()  # noqa: SLF001 - the documented way to see other threads
    ]
    return "\n".join([*parts, pulse.tasks()])
