"""What the id of a job tells about it: a UUIDv7 begins with the time at which it was made."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

_TIME_ORDERED: Final = 7
"""The version of UUIDs that begin with the time."""


def began(job_id: str) -> float:
    """When the id was made, in seconds since the epoch; 0 if the id does not say, or names a future time."""
    try:
        made = UUID(job_id)
    except ValueError:
        return 0.0
    at = (made.int >> 80) / 1_000
    return at if made.version == _TIME_ORDERED and at <= time.time() else 0.0
