"""How long a message waits before it is tried again: in which wait queue, and how much of a pause remains after it."""

from __future__ import annotations

import math
import random
import time

from shared.protocol import envelope
from shared.protocol.topology import WAIT_SECONDS


def delay(step: int, *, at_least: float, wait_seconds: tuple[float, ...] = WAIT_SECONDS) -> tuple[float, float]:
    """The wait queue to use and the time in it, with jitter so that many messages do not come back at the same moment.

    Args:
        step: how many waits there were before.
        at_least: seconds; the caller must keep track of what exceeds the longest wait queue.
        wait_seconds: delays of the wait queues, the longest last.
    """
    base = wait_seconds[min(step, len(wait_seconds) - 1)]
    wanted = max(base, min(at_least, wait_seconds[-1]))
    queue_seconds = next(seconds for seconds in wait_seconds if seconds >= wanted)
    jittered = random.uniform(0.7, 1.0) * queue_seconds  # noqa: S311 - not a secret
    return queue_seconds, min(max(jittered, at_least), queue_seconds)


def pause(seconds: float, waiting_seconds: float) -> dict[str, int | None]:
    """The headers that say how much of a pause remains after a wait queue.

    Args:
        seconds: the pause, from now.
        waiting_seconds: the time in the wait queue.
    """
    # Whole numbers, because floats, as the client library sends them, have only seven digits.
    left = math.ceil(seconds - waiting_seconds)
    if left <= 0:
        return {envelope.NOT_BEFORE: None, envelope.STILL_SECONDS: None}
    return {envelope.NOT_BEFORE: math.ceil(time.time() + seconds), envelope.STILL_SECONDS: left}
