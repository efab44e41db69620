"""What making an episode will cost, and how long it will take."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.cli.backends.port import CommandBackend
from shared.errors import PodcastError
from shared.protocol.messages import JobStatus

_JOBS_LOOKED_AT: Final = 10
_LEAST_AUDIO_SECONDS: Final = 10.0
"""Of a shorter job the time is that of starting it."""
ASSUMED_FACTOR: Final = 0.083
"""Seconds that a second of speech takes: piper on one thread (docs/benchmarks.md)."""
_MILLION: Final = 1_000_000


@dataclass(frozen=True)
class Pace:
    """How fast episodes are made.

    Attributes:
        factor: seconds that a second of audio takes, from the first message to the finished file.
        jobs: of how many jobs this is the median; 0: it is assumed.
    """

    factor: float
    jobs: int


ASSUMED: Final = Pace(ASSUMED_FACTOR, 0)


async def pace(backend: CommandBackend) -> Pace:
    """The pace of the last completed jobs. What is not known is assumed: it is an estimate, so no reason to fail."""
    try:
        page = await backend.page(limit=_JOBS_LOOKED_AT, before="", states=frozenset({"completed"}))
    except PodcastError:
        return ASSUMED
    return measured([listed.status for listed in page.jobs])


def measured(statuses: Sequence[JobStatus]) -> Pace:
    """The median pace of jobs that have ended."""
    factors = [
        factor
        for status in statuses
        if status.audio_seconds >= _LEAST_AUDIO_SECONDS
        and (factor := sum(status.stages.values()) / status.audio_seconds) > 0
    ]
    return Pace(statistics.median(factors), len(factors)) if factors else ASSUMED


def cost(characters: int, per_million: float) -> float | None:
    """What a text costs at a speech server; None if there is no price."""
    return characters * per_million / _MILLION if per_million else None


def price_line(characters: int, per_million: float) -> str:
    """The same for people; "" if there is no price."""
    price = cost(characters, per_million)
    if price is None:
        return ""
    return f"about {price:{'.2f' if price >= 1 else '.2g'}}, at {per_million:g} for a million characters"


def pace_reason(pace: Pace) -> str:
    """Why making an episode is thought to take so long, for people."""
    if not pace.jobs:
        return f"if a second of speech takes {pace.factor:g} s (piper on one thread; no job has been measured)"
    jobs = "as the last job did" if pace.jobs == 1 else f"as the last {pace.jobs} jobs did"
    return f"if a second of speech takes {pace.factor:.2g} s, {jobs}"
