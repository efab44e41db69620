"""Prometheus metrics common to all services; served on the health port under `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("podcast_messages", "Messages settled, by queue and outcome", ["queue", "outcome"])
HANDLER_SECONDS = Histogram(
    "podcast_handler_seconds",
    "Time in a handler",
    ["queue", "type"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1_800),
)
IN_FLIGHT = Gauge("podcast_in_flight", "Messages being handled", ["queue"])
LOOP_LAG_SECONDS = Gauge("podcast_loop_lag_seconds", "How late the event loop was at its last beat")
LOOP_LAG_MAX_SECONDS = Gauge("podcast_loop_lag_max_seconds", "The longest the event loop has been late")
