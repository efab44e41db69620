"""Metrics of feeds. Feeds and their items are strangers', so no label names one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, get_args

from prometheus_client import Counter, Histogram

from shared.client.feeds.model import Outcome
from shared.errors import PodcastError

POLL_SECONDS: Final = Histogram(
    "podcast_feed_poll_seconds",
    "Time to ask for a feed and to parse it, by outcome: changed, unchanged, abandoned (the message was taken back), or"
    " the class of the error (BadSource, DeadlineExceeded, PageGone, TooLarge, Transient, …).",
    ["outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
LATE_SECONDS: Final = Histogram(
    "podcast_feed_poll_late_seconds",
    "How much later than it was due a poll began.",
    buckets=(1, 5, 10, 30, 60, 120, 300, 900, 3_600),
)
ITEMS: Final = Counter(
    "podcast_feed_items",
    "New items of feeds, by what became of them: job, filtered, repeated, collected (for a digest), in digest.",
    ["outcome"],
)
for _outcome in ("changed", "unchanged", "DeadlineExceeded"):
    POLL_SECONDS.labels(_outcome)  # it begins at 0, so that the first is seen as an increase
for _item_outcome in get_args(Outcome):
    ITEMS.labels(_item_outcome)


class PollMeasurement:
    """One poll.

    Attributes:
        outcome: what became of it, if it raises nothing.
    """

    outcome = "abandoned"


@contextmanager
def measured() -> Iterator[PollMeasurement]:
    """Measure one poll."""
    started = time.monotonic()
    measurement = PollMeasurement()
    try:
        yield measurement
    except PodcastError as error:
        measurement.outcome = type(error).__name__
        raise
    finally:
        POLL_SECONDS.labels(measurement.outcome).observe(time.monotonic() - started)
