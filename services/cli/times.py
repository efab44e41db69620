"""Times for people."""

from __future__ import annotations

from datetime import datetime


def local(seconds: float) -> str:
    """A time in seconds since the epoch, to the minute, in the zone of this machine: `2026-12-24 18:00`."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"
