"""The time of day, steady while the process lives.

A wall clock jumps when it is corrected or its machine was asleep. A job's age must not jump with it, or all jobs would
hit their deadline simultaneously.
"""

from __future__ import annotations

import time

_STARTED = time.monotonic()
_EPOCH = time.time() - _STARTED


def now() -> float:
    """Seconds since the epoch, as the wall clock had it when the process started."""
    return _EPOCH + time.monotonic()


def age_seconds(since: float) -> float:
    """How long ago a point in time was, at least.

    If the wall clock was wrong when the process started, only its correction shows that: the smaller age counts.
    """
    return min(now(), time.time()) - since


def running_seconds() -> float:
    """How long the process has been running."""
    return time.monotonic() - _STARTED
