"""Diagnoses a process that hangs: its stacks, its tasks, its event loop's heartbeat.

Threads outside the loop answer `/healthz`, `/metrics` and `/stacks` even while the loop is blocked, and end the process
when it has been blocked for too long: the broker then redelivers what was in flight.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
import time
import traceback
from collections.abc import Callable

import structlog

from shared.runtime import metrics, unlocked_log

log = structlog.get_logger(__name__)

STALLED_EXIT_CODE = 70
"""EX_SOFTWARE: a supervisor restarts the process."""

_BEAT_SECONDS = 0.25
_LATE_SECONDS = 1.0
"""A delay of the loop longer than this is logged."""
_TASK_FRAMES = 8


class Watchdog:
    """The event loop's heartbeat, and the thread that watches it.

    Args:
        limit_seconds: how long the loop may be blocked.
        in_flight: what is being handled now, for the log.
    """

    def __init__(self, *, limit_seconds: float, in_flight: Callable[[], list[str]]) -> None:
        self._limit_seconds = limit_seconds
        self._in_flight = in_flight
        self._last_beat = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._expected = 0.0
        self._longest_lag = 0.0
        self._ended = threading.Event()

    def start(self) -> None:
        """Start the heartbeat on the running loop, and the thread that watches it."""
        self._loop = asyncio.get_running_loop()
        self._expected = time.monotonic() + _BEAT_SECONDS
        self._loop.call_later(_BEAT_SECONDS, self._beat)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Stop watching: the loop is about to end."""
        self._ended.set()

    def seconds_since_beat(self) -> float:
        """How long ago the loop's last heartbeat was."""
        return time.monotonic() - self._last_beat

    def tasks(self) -> str:
        """What is in flight, and every task of the loop with the place where it waits."""
        lines = [f"in flight: {', '.join(self._in_flight()) or 'nothing'}"]
        # The set may change while this thread reads it; then it is read again.
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
        unlocked_log.stacks(self.tasks())

    def _beat(self) -> None:
        now = time.monotonic()
        lag = max(0.0, now - self._expected)
        metrics.LOOP_LAG_SECONDS.observe(lag)
        if lag > self._longest_lag:
            self._longest_lag = lag
            metrics.LOOP_LAG_MAX_SECONDS.set(lag)
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
                reason = f"the event loop has not turned for {stalled:.1f} s; ending the process"
                unlocked_log.write(f"watchdog: {reason}", level="critical", event="watchdog", reason=reason)
                self.dump()
                os._exit(STALLED_EXIT_CODE)
