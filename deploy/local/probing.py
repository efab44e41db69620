"""Whether a process of a stack still answers: it is probed at a fixed interval until it has failed to answer too often.

A process that is stopped (SIGSTOP) or stuck in a system call does not end by itself, so waiting for its end is not
enough. Silence is counted in failed probes, not read from a clock: while the supervisor itself is stopped, or the
machine asleep, nothing was probed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Literal

FAILURES_LIMIT = 5
"""This many failed probes in a row end a process that had answered before: 25 s at the default interval. While a whole
stack comes up on two cores, an answer may be seconds late; that must not cost a process what it has in flight."""

START_SECONDS = 120.0
"""How long a process may take to answer for the first time; on two busy cores a broker takes 15 s."""

Probe = Callable[[float], Awaitable[str]]
"""Probes a process, for this many seconds at most; returns "" or what went wrong."""

Answering = Literal["starting", "running", "not answering"]


class Prober:
    """Probes one process from its start.

    Args:
        probe: how it is probed.
        every_seconds: the interval, which is also the time limit for an answer.
        changed: called when the state has changed.

    Attributes:
        state: `starting` until its first answer; `not answering` while the last probe failed.
    """

    def __init__(self, probe: Probe, *, every_seconds: float, changed: Callable[[], None]) -> None:
        self.state: Answering = "starting"
        self._probe = probe
        self._every_seconds = every_seconds
        self._changed = changed

    def has_answered(self) -> None:
        """Note that the process works, as observed elsewhere."""
        self._set("running")

    async def wait_silent(self) -> str:
        """Probe until it has been silent for too long.

        Returns:
            What went wrong, as part of a sentence.
        """
        failures = 0
        while True:
            # The pause runs concurrently with the probe, so that a missing answer does not double the interval.
            pause = asyncio.create_task(asyncio.sleep(self._every_seconds))
            try:
                wrong = await self._ask()
                failures = failures + 1 if wrong else 0
                if failures >= self._limit():
                    return f"{failures} probes in a row failed: {wrong}"
                await pause
            finally:
                pause.cancel()

    def _limit(self) -> int:
        return math.ceil(START_SECONDS / self._every_seconds) if self.state == "starting" else FAILURES_LIMIT

    async def _ask(self) -> str:
        try:
            async with asyncio.timeout(self._every_seconds):
                wrong = await self._probe(self._every_seconds)
        except TimeoutError:
            wrong = f"no answer within {self._every_seconds:g} s"
        except Exception as error:  # noqa: BLE001 - an exception is no answer, and no reason to end the stack
            wrong = f"{type(error).__name__}: {error}"
        if not wrong:
            self._set("running")
        elif self.state != "starting":
            self._set("not answering")
        return wrong

    def _set(self, state: Answering) -> None:
        if state != self.state:
            self.state = state
            self._changed()
