"""Waiting for what other processes do: they send no events, so this polls, with a limit."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable

LIMIT_SECONDS = 30.0
_LOOK_SECONDS = 0.02


async def until(condition: Callable[[], object], what: str, *, seconds: float = LIMIT_SECONDS) -> None:
    """Wait until a condition holds.

    Args:
        condition: may be a coroutine function.
        what: what is waited for, for the failure message.
        seconds: the limit.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                holds = condition()
                if inspect.isawaitable(holds):
                    holds = await holds
                if holds:
                    return
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {what}") from None


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = LIMIT_SECONDS) -> None:
    """The same without an event loop.

    Args:
        condition: may fail an assertion if what is waited for cannot come any more.
        what: what is waited for, for the failure message.
        seconds: the limit.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(_LOOK_SECONDS)
