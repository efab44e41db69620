"""Durations for people, and how long a job will still take."""

from __future__ import annotations

from typing import Final

from shared.protocol.messages import JobStatus

_RATE_FROM_SECONDS: Final = 1.0


def length(seconds: float) -> str:
    """A duration for people: `42 s`, `3 min 05 s`, `1 h 02 min`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{whole} s"
    if whole < 3_600:  # noqa: PLR2004 - seconds of an hour
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60:02} min"


class Remaining:
    """Estimates how long synthesis will still take, from the chunks finished since the first status."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    def seconds(self, status: JobStatus, now: float) -> float | None:
        """The estimate; None while there is nothing to base it on."""
        counts = status.chunks
        finished = counts.done + counts.failed
        if status.state != "synthesizing":
            return None
        if self._start is None:
            self._start = (now, finished)
        since, before = self._start
        if finished <= before or now - since < _RATE_FROM_SECONDS:
            return None
        return (counts.total - finished) * (now - since) / (finished - before)
