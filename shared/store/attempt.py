"""A call that was given up at its deadline must not take effect afterwards.

A blocking call runs in a thread, and a thread cannot be stopped: the caller abandons it and continues. So each call
carries an `Attempt`, and checks it before the step that makes its change visible.
"""

from __future__ import annotations

import time
from contextvars import ContextVar


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
