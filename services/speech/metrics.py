"""Metrics of the speech server: what it spoke, how long that took, and who waits."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from services.speech.pool import Pool

REQUEST_SECONDS: Final = Histogram(
    "podcast_speech_request_seconds",
    "Time to answer a text, waiting for a worker included; by engine and outcome: spoken, failed, or left (the client "
    "did not wait).",
    ["engine", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
AUDIO_SECONDS: Final = Counter(
    "podcast_speech_engine_audio_seconds", "Seconds of speech that an engine made.", ["engine"]
)
REFUSED: Final = Counter("podcast_speech_refused", "Requests that were refused, by HTTP status.", ["status"])
WAITING: Final = Gauge("podcast_speech_waiting", "Texts that wait for a worker.")
BUSY: Final = Gauge("podcast_speech_workers_busy", "Workers that are speaking.")
WORKERS: Final = Gauge("podcast_speech_workers", "Workers that are running and have loaded the default voice.")


def show(pool: Pool) -> None:
    """Read the gauges from the pool at each scrape."""
    WAITING.set_function(lambda: pool.waiting)
    BUSY.set_function(lambda: pool.busy)
    WORKERS.set_function(lambda: len(pool.workers))
