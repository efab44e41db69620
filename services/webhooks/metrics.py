"""Metrics of webhooks: every try with its outcome. The receivers are strangers, so no label names one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Histogram

from shared.errors import PodcastError

DELIVERY_SECONDS: Final = Histogram(
    "podcast_webhook_delivery_seconds",
    "Time of one try to deliver a webhook, by outcome: delivered, abandoned (the message was taken back), or the class "
    "of the error (NotDelivered, DeadlineExceeded, EndpointGone, ForbiddenAddress, HostBusy, …).",
    ["outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
for _outcome in ("delivered", "NotDelivered", "DeadlineExceeded"):
    DELIVERY_SECONDS.labels(_outcome)  # it begins at 0, so that the first is seen as an increase


@contextmanager
def measured() -> Iterator[None]:
    """Measure one try."""
    started = time.monotonic()
    outcome = "abandoned"
    try:
        yield
        outcome = "delivered"
    except PodcastError as error:
        outcome = type(error).__name__
        raise
    finally:
        DELIVERY_SECONDS.labels(outcome).observe(time.monotonic() - started)
