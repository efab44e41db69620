"""The time of day, steady while the process lives.

A wall clock jumps when it is corrected or its machine was asleep. A job's age must not jump with it, or all jobs would
hit their deadline simultaneously.
"""

from __future__ import annotations

import time

_EPOCH = time.time() - time.monotonic()


def now() -> float:
    """Seconds since the epoch, as the wall clock had it when the process started."""
    return _EPOCH + time.monotonic()
