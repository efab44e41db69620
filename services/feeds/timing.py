"""When a feed is polled next, and when its digest is made. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.client.feeds.model import Feed, FeedRules

LONGEST_PAUSE_SECONDS: Final = 86_400.0
"""A feed that fails is polled once a day for good: servers come back after weeks."""
_JITTER: Final = 0.1
_DOUBLINGS_LIMIT: Final = 16


def next_poll(
    feed: Feed,
    *,
    now: float,
    failures: int,
    shortest_seconds: float,
    ttl_seconds: float | None = None,
    retry_after_seconds: float | None = None,
    chance: Callable[[], float] = random.random,
) -> float:
    """When to poll again, in seconds since the epoch.

    Args:
        feed: with its interval.
        now: seconds since the epoch.
        failures: polls in a row that failed, this one included; each doubles the pause.
        shortest_seconds: no pause is shorter.
        ttl_seconds: what the feed itself asks for.
        retry_after_seconds: what its server asks for, limited by the caller.
        chance: from 0 to 1, so that feeds that were added together do not stay together.
    """
    pause = max(feed.rules.interval_seconds, min(ttl_seconds or 0.0, LONGEST_PAUSE_SECONDS), shortest_seconds)
    if failures:
        longest = max(LONGEST_PAUSE_SECONDS, pause)
        pause = min(pause * 2 ** min(failures - 1, _DOUBLINGS_LIMIT), longest)
    pause *= 1 + _JITTER * (2 * chance() - 1)
    return now + max(pause, shortest_seconds, retry_after_seconds or 0.0)


def lease(unfinished: int, *, handler_seconds: float) -> float:
    """How long after a poll was asked for another one is, if it never ends: because it kills who polls, for instance.

    Args:
        unfinished: polls in a row that never ended.
        handler_seconds: how long one may take.
    """
    return float(min(2 * handler_seconds * 2 ** min(unfinished, _DOUBLINGS_LIMIT), LONGEST_PAUSE_SECONDS))


def next_digest(rules: FeedRules, *, now: float) -> float | None:
    """When the next digest is made, in seconds since the epoch; None: there is none."""
    if rules.digest is None:
        return None
    moment = datetime.fromtimestamp(now, UTC)
    following = moment.replace(hour=rules.digest_hour, minute=0, second=0, microsecond=0)
    if rules.digest == "weekly":
        following -= timedelta(days=following.weekday())
    while following <= moment:
        following += timedelta(days=7 if rules.digest == "weekly" else 1)
    return following.timestamp()


def day(now: float) -> str:
    """The day, in UTC, as in 2026-11-29."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
