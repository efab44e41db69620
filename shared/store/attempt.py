"""A call that was given up at its deadline must not take effect afterwards.

A blocking call runs in a thread, and a thread cannot be stopped: the caller abandons it and continues. So each call
carries an `Attempt`, and checks it before the step that makes its change visible.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

import anyio

from shared.deadlines import deadline, in_thread
from shared.errors import StoreDown

T = TypeVar("T")

THREADS = 16
"""Calls of one store that run at the same time."""
_BYTES_A_SECOND = 1_000_000
"""The slowest transfer for which a call's deadline leaves time."""


class Attempt:
    """One call's permission to change the store; safe to use from the caller's thread and the call's thread.

    It ends when the caller gives up, and also by the clock, since in a process that was frozen (SIGSTOP) the thread may
    run again before the caller's deadline has had a chance to fire.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._given_up = False

    def give_up(self) -> None:
        """End the permission: nobody is waiting for the call any more."""
        self._given_up = True

    @property
    def ended(self) -> bool:
        """Whether the call may not change anything any more."""
        return self._given_up or time.monotonic() >= self._until

    def check(self) -> None:
        """Raises `GivenUpError` if the call may not change anything any more."""
        if self.ended:
            raise GivenUpError


class GivenUpError(Exception):
    """Ends the thread of a call that was given up. Nobody is waiting for it, so this is never seen."""


CURRENT: ContextVar[Attempt] = ContextVar("attempt")
"""The attempt of the running thread, for code that a library calls back."""


class Calls:
    """Runs a store's blocking calls in threads, each under a deadline, a bounded number at a time."""

    def __init__(self, deadline_seconds: float) -> None:
        self._deadline_seconds = deadline_seconds
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, doing: str, call: Callable[[Attempt], T], *, size_bytes: int = 0) -> T:
        """Run `call`, which must check its attempt before it makes a change visible.

        Args:
            doing: what it does, for the error.
            call: takes its attempt, which is also `CURRENT` in its thread.
            size_bytes: how much it transfers; the deadline grows with it.

        Raises:
            StoreDown: it took too long.
        """
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(THREADS)
        seconds = self._deadline_seconds + size_bytes / _BYTES_A_SECOND
        attempt = Attempt(seconds)

        def in_the_thread() -> T:
            CURRENT.set(attempt)  # each call has a context of its own
            return call(attempt)

        try:
            async with deadline(seconds, f"store {doing}", error=StoreDown):
                try:
                    return await in_thread(in_the_thread, limiter=self._limiter)
                finally:
                    attempt.give_up()  # before the caller hears of it
        except GivenUpError as error:  # the thread noticed before the deadline fired that the time is up
            raise StoreDown(f"store {doing} took longer than {seconds:g} s.") from error
