"""Deadlines, and blocking calls off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import anyio.to_thread
from prometheus_client import Counter

from shared.errors import DeadlineExceeded, Transient

T = TypeVar("T")

EXPIRED = Counter(
    "podcast_deadlines_expired", "Deadlines that ended something, by the first word of what it was.", ["doing"]
)


@asynccontextmanager
async def deadline(seconds: float, doing: str, *, error: type[Transient] = DeadlineExceeded) -> AsyncIterator[None]:
    """Run the body for at most `seconds`.

    Args:
        seconds: the overall limit; unlike a read time-out it also ends a call whose data trickles in.
        doing: what is being done, for the error message.
        error: the exception to raise when the time is up.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as expired:
        EXPIRED.labels(doing.split(" ", 1)[0]).inc()
        raise error(f"{doing} took longer than {seconds:g} s.") from expired


async def in_thread(call: Callable[[], T], *, limiter: anyio.CapacityLimiter | None = None) -> T:
    """Run a blocking call in a thread and wait for its result; cancellation does not wait for the thread.

    Cancelling abandons the thread: it ends by its own time-outs, or with the process, which does not join it.
    """
    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=limiter)
