"""How many event streams may be open: in all, and for each key."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from services.gateway.gateway_errors import StreamsFull, TooManyStreams

_RETRY_SECONDS: Final = 5


class Slots:
    """Counts the open streams of this process.

    Args:
        limit: how many there may be.
        per_key: how many one key may have.
    """

    def __init__(self, *, limit: int, per_key: int) -> None:
        self._limit = limit
        self._per_key = per_key
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._open.total()

    @contextlib.contextmanager
    def taken(self, key_id: str) -> Iterator[None]:
        """Have one of the streams while the body runs.

        Raises:
            TooManyStreams: the key has no more.
            StreamsFull: this gateway has no more.
        """
        if self._open[key_id] >= self._per_key:
            raise TooManyStreams(
                f"This key has {self._per_key} event streams open, which is the limit.",
                hint="Close one first; one stream of /v1/events can replace many streams of single jobs.",
                retry_after_seconds=_RETRY_SECONDS,
            )
        if self.open >= self._limit:
            raise StreamsFull(
                f"This gateway has {self._limit} event streams open, which is the limit.",
                hint="Try again in a moment, or at another gateway.",
                retry_after_seconds=_RETRY_SECONDS,
            )
        self._open[key_id] += 1
        try:
            yield
        finally:
            self._open[key_id] -= 1
            if not self._open[key_id]:
                del self._open[key_id]
