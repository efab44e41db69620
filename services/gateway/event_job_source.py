"""The events of one job for one client."""

from __future__ import annotations

import asyncio

from services.gateway import event_format
from services.gateway.event_positions import Position, unseen
from services.gateway.event_watches import Watch
from shared.protocol.messages import TERMINAL_STATES


class JobSource:
    """The events of one job for one client. It keeps no events: what the client missed follows from the history.

    Args:
        watch: of the job.
        wake: set by the watch.
        seen: where the client is; None: at the beginning.
        is_lost: its position cannot be used.
    """

    def __init__(self, watch: Watch, wake: asyncio.Event, *, seen: Position | None, is_lost: bool) -> None:
        self.wake = wake
        self._watch = watch
        self._seen = seen
        self._is_lost = is_lost
        self._has_ended = False
        self._noticed = watch.notices_after(0)[0]

    async def take(self) -> bytes:
        """What the client has not been sent."""
        if self._has_ended:
            return b""
        if self._watch.is_gone:
            self._has_ended = True
            return event_format.block("gone", {"job_id": self._watch.job_id})
        status = self._watch.status
        steps = None if self._is_lost else unseen(status, self._seen)
        data = b""
        if steps is None:
            self._is_lost = False
            data = event_format.resync(job_id=self._watch.job_id)
            steps = unseen(status, None) or []
        self._noticed, notices = self._watch.notices_after(self._noticed)
        if steps:
            data += b"".join(map(self._watch.encoded, steps))
            self._seen = Position.of(status)
        self._has_ended = status.state in TERMINAL_STATES
        return data if self._has_ended else data + notices

    def is_ended(self) -> bool:
        """Whether the job has ended, or is gone, and the client was told."""
        return self._has_ended
