"""How many processors this process may use, which may be fewer than the machine has."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Final

CPU_LIMIT: Final = Path("/sys/fs/cgroup/cpu.max")
"""What a container may use: microseconds of CPU time in each period of so many, or `max`."""


def usable(limit: Path = CPU_LIMIT) -> int:
    """The processors that this process may run on, but no more than the limit of its container, rounded up."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = limit.read_text(encoding="ascii").split()
        return min(allowed, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # there is no limit
        return allowed
