"""Metrics of reading and splitting. Its time is in `podcast_handler_seconds{queue="chunker"}`."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

CHUNKS: Final = Histogram(
    "podcast_job_chunks",
    "Chunks of a job whose text was split.",
    buckets=(1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 20_000),
)
PREVIEWS: Final = Counter(
    "podcast_previews",
    "Previews that were made, by outcome: made, or refused (the document cannot be read).",
    ["outcome"],
)
