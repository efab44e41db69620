"""Whether a process of a stack still answers: it is asked at a steady pace, until it has failed to answer too often.

A process that is stopped (SIGSTOP), or stuck in a call to the machine, does not end by itself, so that waiting for its
end is not enough. Silence is counted in failed probes, not read from a clock: while the supervisor itself is stopped,
or the machine asleep, nobody has asked.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Literal

FAILURES_LIMIT = 5
"""So many failed probes in a row end a process that had answered before: 25 s at the usual pace. While a whole stack
comes up on two cores, an answer may be late by seconds; that must not cost a process what it has in hand."""

START_SECONDS = 120.0
"""What a process may take to answer for the first time; on two busy cores a broker takes 15 s."""

Probe = Callable[[float], Awaitable[str]]
"""Asks a process for a sign of life, for so many seconds at most; "" or what went wrong."""

Answering = Literal["starting", "running", "not answering"]


class Prober:
    """Follows one process from its start.

    Args:
        probe: how it is asked.
        every_seconds: the pace, which is also what an answer may take.
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
        """The process works, as somebody else has seen."""
        self._set("running")

    async def wait_silent(self) -> str:
        """Probe until it has been silent for too long.

        Returns:
            What went wrong, as a part of a sentence.
        """
        failures = 0
        while True:
            # The pause runs beside the probe, so that an answer that never comes does not double the pace.
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
        except Exception as error:  # noqa: BLE001 - a client library's surprise is no answer, and no reason to end the stack
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
