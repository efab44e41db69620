"""Seeing into a process that hangs: its stacks, its tasks, its event loop's pulse.

A thread beside the loop answers `/healthz`, `/metrics` and `/stacks` even while the loop stands still, and ends the
process when it has stood still for too long: the broker then redelivers what was in hand.
"""

from __future__ import annotations

import asyncio
import faulthandler
import io
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable

import structlog

from shared.runtime import metrics

log = structlog.get_logger(__name__)

STALLED_EXIT_CODE = 70
"""EX_SOFTWARE: a supervisor starts the process again."""

_BEAT_SECONDS = 0.25
LATE_SECONDS = 1.0
"""A loop that is later than this is worth a line in the log."""
_TASK_FRAMES = 8


class Watchdog:
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
        if lag > LATE_SECONDS:
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
