"""The active jobs as the store has them now: what a client of all jobs begins with."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from services.gateway import event_format
from services.gateway.event_log import Log
from services.gateway.event_positions import Position
from shared.client.job_pages import JobFilter, jobs_page
from shared.protocol.messages import JobState, JobStatus
from shared.store.port import Store

SNAPSHOT_JOBS: Final = 100
"""Active jobs in a snapshot, the newest."""
ACTIVE_STATES: Final[frozenset[JobState]] = frozenset({"chunking", "synthesizing", "assembling"})
_AGE_SECONDS: Final = 1.0
"""Clients that come within this time share a snapshot."""


@dataclass(frozen=True)
class Snapshot:
    """The active jobs.

    Attributes:
        place: where in the log its reader goes on.
        generation: of the log.
        identity: of the latest change before it; empty if there is none.
        jobs: their statuses, newest job first.
        more: there are more.
        seen: job → the position of those who have read it.
    """

    place: int
    generation: int
    identity: str
    jobs: list[JobStatus]
    more: bool
    seen: dict[str, Position]
    taken_at: float = field(default_factory=time.monotonic)
    _encoded: dict[frozenset[JobState] | None, bytes] = field(default_factory=dict)

    def encoded(self, states: frozenset[JobState] | None) -> bytes:
        """Its events, of the jobs in these states; made once for all clients that ask for the same."""
        if states not in self._encoded:
            shown = [status for status in self.jobs if states is None or status.state in states]
            end = event_format.SnapshotEnd(jobs=len(shown), more=self.more)
            self._encoded[states] = b"".join(map(event_format.status_of, shown)) + event_format.block(
                "current", end.model_dump(), identity=self.identity
            )
        return self._encoded[states]


class Snapshots:
    """Takes snapshots, one for all who ask within a second.

    Args:
        store: where the statuses are.
        log: where those who read a snapshot go on.
    """

    def __init__(self, store: Store, log: Log) -> None:
        self._store = store
        self._log = log
        self._latest: asyncio.Task[Snapshot] | None = None

    async def latest(self) -> Snapshot:
        """The active jobs.

        Raises:
            StoreDown: the store does not answer.
        """
        task = self._latest
        if task is None or (task.done() and not self._is_current(task)):
            task = self._latest = asyncio.create_task(self._take(), name="snapshot of the active jobs")
        return await asyncio.shield(task)

    async def _take(self) -> Snapshot:
        while True:
            place, generation, identity = self._log.end, self._log.generation, self._log.latest
            page = await jobs_page(self._store, limit=SNAPSHOT_JOBS, wanted=JobFilter(states=ACTIVE_STATES))
            if generation == self._log.generation:  # else its place is in a log that was lost meanwhile
                seen = {status.job_id: Position.of(status) for status in page.jobs}
                return Snapshot(place, generation, identity, page.jobs, page.next is not None, seen)

    def _is_current(self, task: asyncio.Task[Snapshot]) -> bool:
        if task.cancelled() or task.exception() is not None:
            return False
        snapshot = task.result()
        is_recent = time.monotonic() - snapshot.taken_at < _AGE_SECONDS
        return is_recent and snapshot.generation == self._log.generation
