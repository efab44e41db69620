"""Notifies a job's watchers that some of its work is retried, so that a failing speech server is visible immediately.

Best effort: nothing depends on it, and at most one event per second and job is published, however many chunks fail.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from aio_pika.abc import AbstractIncomingMessage

from shared.protocol import envelope
from shared.protocol.messages import JOB_ID, WorkRetried

INTERVAL_SECONDS: Final = 1.0
_JOBS_LIMIT: Final = 1_000
_REASON_LIMIT_CHARACTERS: Final = 500


class RetryNotices:
    """The events of one service.

    Args:
        service: its name.
        publish: publishes an event; does not raise if the broker is down.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        service: str,
        publish: Callable[[WorkRetried], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._publish = publish
        self._clock = clock
        self._last: OrderedDict[str, float] = OrderedDict()
        """Job → when an event was last published for it; the most recent is at the end."""

    async def tell(self, message: AbstractIncomingMessage, *, reason: str, tries: int, next_seconds: float) -> None:
        """Publish that a message will be retried, unless an event for its job was published just now."""
        job_id = envelope.job_id(message)
        now = self._clock()
        if (
            not job_id
            or not JOB_ID.fullmatch(job_id)
            or now - self._last.get(job_id, -INTERVAL_SECONDS) < INTERVAL_SECONDS
        ):
            return
        self._last[job_id] = now
        self._last.move_to_end(job_id)
        if len(self._last) > _JOBS_LIMIT:
            self._last.popitem(last=False)
        await self._publish(
            WorkRetried(
                job_id=job_id,
                service=self._service,
                reason=reason[:_REASON_LIMIT_CHARACTERS],
                tries=max(tries, 1),
                next_seconds=next_seconds,
            )
        )
