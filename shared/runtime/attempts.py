"""How often the message that is being handled was tried: for handlers, which know nothing else of its delivery."""

from __future__ import annotations

from contextvars import ContextVar

_TRIES: ContextVar[int] = ContextVar("tries", default=1)


def begin(number: int) -> None:
    """Note the number of the try that begins, in the task that handles the message."""
    _TRIES.set(number)


def tries() -> int:
    """Which try this is, from 1."""
    return _TRIES.get()
