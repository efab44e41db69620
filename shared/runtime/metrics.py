"""Metrics of every process: what it consumes and publishes, its event loop, and whether it can work.

Served as `/metrics` on the health port (of the gateway and the speech server: on their own). docs/metrics.md lists all.
No label has a value that a stranger chooses, or one for each job: each combination of values is a time series for ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from shared.errors import PodcastError
from shared.protocol.topology import DEAD_EXCHANGE, EVENTS_EXCHANGE, EXCHANGE, WORK_QUEUES
from shared.runtime.readiness import Readiness

OUTCOMES: Final = ("done", "ignored", "retried", "waiting", "dead", "handed back", "abandoned")
MESSAGES: Final = Counter(
    "podcast_messages",
    "Messages that were settled, by how: done, ignored, retried (the try counts), waiting (for a server, uncounted), "
    "dead (dead-lettered), handed back (at shutdown), abandoned (the connection was lost).",
    ["queue", "outcome"],
)
FAILURES: Final = Counter(
    "podcast_message_failures",
    "Messages whose handling failed, by the class of the error and by what followed: retried, waiting or dead.",
    ["queue", "error", "outcome"],
)
HANDLER_SECONDS: Final = Histogram(
    "podcast_handler_seconds",
    "Time from when a message was delivered, and had a slot, until it was settled; the type is failed if its handling "
    "failed.",
    ["queue", "type"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1_800),
)
WAITED_SECONDS: Final = Histogram(
    "podcast_message_wait_seconds",
    "Age of a message when it was delivered for its first try: the time it waited in its queue. Publishers give the "
    "moment in whole seconds.",
    ["queue"],
    buckets=(1, 5, 15, 60, 300, 900, 1_800, 3_600, 14_400, 86_400),
)
IN_FLIGHT: Final = Gauge(
    "podcast_in_flight", "Messages that a process holds: they are being handled, or wait for a slot.", ["queue"]
)
PUBLISH_SECONDS: Final = Histogram(
    "podcast_publish_seconds",
    "Time until the broker had confirmed a published message, or had not (outcome failed); by exchange. Copies that go "
    "to a single queue have the exchange queue.",
    ["exchange", "outcome"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2, 10, 30),
)
LOOP_LAG_SECONDS: Final = Histogram(
    "podcast_loop_lag_seconds",
    "How late the event loop was at each of its beats, which are a quarter of a second apart.",
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LOOP_LAG_MAX_SECONDS: Final = Gauge(
    "podcast_loop_lag_max_seconds", "The longest that the event loop has been late since the process started."
)
READY: Final = Gauge("podcast_ready", "Whether the process can work now, as /readyz says: 1 or 0.")
BROKER_UP: Final = Gauge("podcast_broker_up", "Whether the process is connected to the broker: 1 or 0.")
CERTIFICATE_EXPIRES: Final = Gauge(
    "podcast_certificate_expiry_timestamp_seconds",
    "When the certificate of a server expires, since the epoch; read every hour by the coordinator (broker, store) and "
    "the synthesizer (speech), from servers that are connected to over TLS.",
    ["peer"],
)
STORE_UP: Final = Gauge("podcast_store_up", "Whether the store answered when it was last asked: 1 or 0.")
_EXCHANGES: Final = {
    **{name: name for name in (EXCHANGE, DEAD_EXCHANGE, EVENTS_EXCHANGE)},
    **{queue.direct_exchange: "queue" for queue in WORK_QUEUES},
}
"""Exchange → label. A replay may go to an exchange that a stranger has named."""


@contextmanager
def measured(exchange: str) -> Iterator[None]:
    """Measure one publish."""
    started = time.monotonic()
    outcome = "failed"
    try:
        yield
        outcome = "confirmed"
    finally:
        PUBLISH_SECONDS.labels(_EXCHANGES.get(exchange, "other"), outcome).observe(time.monotonic() - started)


def begin(queue: str) -> None:
    """Let the counters of a queue begin at 0, so that the first of anything is seen as an increase."""
    for outcome in OUTCOMES:
        MESSAGES.labels(queue, outcome)
    IN_FLIGHT.labels(queue)


def show(readiness: Readiness) -> None:
    """Read the gauges about readiness from here at each scrape."""
    READY.set_function(lambda: not readiness.reasons())
    BROKER_UP.set_function(lambda: not readiness.broker())
    STORE_UP.set_function(lambda: not readiness.store_trouble())


def error_name(error: BaseException) -> str:
    """The class of an error, as a label: ours by name, all others are bugs or malformed messages."""
    return type(error).__name__ if isinstance(error, PodcastError) else "other"
