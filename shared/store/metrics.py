"""Metrics of the object store, as its callers see it: every call with its outcome and its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Histogram

from shared.errors import BadInput, Conflict, NotFound, PodcastError

CALL_SECONDS: Final = Histogram(
    "podcast_store_call_seconds",
    "Time of a call to the object store, waiting for a thread included; by operation and outcome: ok, missing, "
    "conflict (something else was stored first), refused (an impossible name), down, abandoned (nobody waited).",
    ["operation", "outcome"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_OUTCOMES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (NotFound, "missing"),
    (Conflict, "conflict"),
    (BadInput, "refused"),
    (PodcastError, "down"),
    (BaseException, "abandoned"),
)


_OPERATIONS: Final = {
    "write": "write",
    "abort": "abort",
    "read": "read",
    "look": "look up",
    "list": "list",
    "delete": "delete",
}
"""The first word of what a call does → its operation. Anything else is the look whether the store answers at all."""


def operation_of(doing: str) -> str:
    """The operation that a call carries out."""
    return _OPERATIONS.get(doing.partition(" ")[0], "ping")


@contextmanager
def measured(doing: str) -> Iterator[None]:
    """Measure one call; `doing` is what it does, as the adapters word it: a verb, then the key."""
    operation = operation_of(doing)
    started = time.monotonic()
    outcome = "ok"
    try:
        yield
    except BaseException as error:
        outcome = next(name for kind, name in _OUTCOMES if isinstance(error, kind))
        raise
    finally:
        CALL_SECONDS.labels(operation, outcome).observe(time.monotonic() - started)
