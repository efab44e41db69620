"""A circuit breaker: an endpoint that is down is not called for a while, then tried with a single call.

closed ── `failures` in a row ─▶ open ── after `open_seconds` ─▶ half-open ── one call ─▶ closed, or open again

That one call begins with a probe (`services.synthesizer.call.probe`), so that no text uses up its tries on a server
that is still down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

STATES: Final = ("closed", "open", "half-open")


class Breaker:
    """Whether an endpoint may be called. Belongs to one event loop; no locking.

    Args:
        failures: how many calls in a row must find the endpoint down before it is no longer called.
        open_seconds: for how long.
        clock: monotonic seconds.
    """

    def __init__(self, *, failures: int, open_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._failures = 0
        self._closed_from = float("-inf")
        self._probing = False

    @property
    def wait_seconds(self) -> float:
        """How long until the endpoint may be called, 0 if it may be called now."""
        if self._probing:
            return self._open_seconds
        return max(0.0, self._closed_from - self._clock())

    @property
    def admits(self) -> bool:
        """Whether a call may begin now."""
        return self.wait_seconds == 0

    @property
    def state(self) -> str:
        """One of `STATES`. A server that asked for a pause is not called either, so its breaker is open."""
        if self._probing:
            return "half-open"
        if not self.admits:
            return "open"
        return "half-open" if self._failures >= self._limit else "closed"

    @property
    def is_half_open(self) -> bool:
        """Whether the call that has begun is the one that shows whether the endpoint is up again."""
        return self._probing

    def begin(self) -> None:
        """A call begins; in the half-open state no other begins until it has ended."""
        self._probing = self._failures >= self._limit

    def answered(self) -> None:
        """The endpoint answered, if only with an error: it is up."""
        self._failures = 0
        self._probing = False

    def failed(self) -> None:
        """The endpoint was down: refused, unavailable, or silent until the deadline."""
        self._failures += 1
        self._probing = False
        if self._failures >= self._limit:
            self._closed_from = self._clock() + self._open_seconds

    def abandoned(self) -> None:
        """The caller gave up the call; it shows nothing about the endpoint."""
        self._probing = False

    def rest(self, seconds: float) -> None:
        """The endpoint asked for a pause."""
        self._closed_from = max(self._closed_from, self._clock() + seconds)
        self._probing = False
