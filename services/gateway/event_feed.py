"""The events of all jobs: changes of state from the broker's log, progress as it is heard, and snapshots of the store.

Changes have ids and none is left out. Progress has none: a client that reads slowly gets only the latest of each job.
While no events are heard, the active jobs are read from the store every few seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from services.gateway import event_format
from services.gateway.event_log import Change, Log
from services.gateway.event_positions import Position, Step, unseen
from services.gateway.event_snapshot import SNAPSHOT_JOBS, Snapshot, Snapshots
from services.gateway.event_wakes import Wakes
from shared.client.watching import UnreadableJob, look
from shared.concurrency import gathered
from shared.errors import PodcastError
from shared.protocol.messages import TERMINAL_STATES, JobState, JobStatus, WorkRetried
from shared.store.port import Store

log = structlog.get_logger(__name__)

_PACE_SECONDS: Final = 0.1
"""Events are collected for this long before clients are woken."""
_SWEEP_SECONDS: Final = 5.0
_READS_AT_A_TIME: Final = 8
_NEWS_KEPT: Final = 1_000
_KNOWN_KEPT: Final = 5_000


@dataclass
class _News:
    """Something transient; the latest of its kind for a job replaces the one before."""

    number: int
    state: JobState | None
    updated_at: float
    data: bytes


@dataclass(frozen=True)
class _Known:
    """What the clients were told of a job last."""

    position: Position
    state: JobState


class EventFeed:
    """What this process knows of all jobs' events.

    Args:
        store: where the statuses are.
        is_hearing: whether events are being heard.

    Attributes:
        log: the changes.
        wakes: the streams.
        began: set when the log has been read for the first time.
    """

    def __init__(self, store: Store, *, is_hearing: Callable[[], bool]) -> None:
        self.log = Log()
        self.wakes = Wakes()
        self.began = asyncio.Event()
        self.newest = 0
        self._store = store
        self._is_hearing = is_hearing
        self._news: OrderedDict[tuple[str, str], _News] = OrderedDict()
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._snapshots = Snapshots(store, self.log)
        self._is_waking = False

    # ---------------------------------------------------------------- what the hub hears

    def reread(self, changes: list[Change]) -> None:
        """The log was read anew from its beginning."""
        is_first = not self.began.is_set()
        for change in self.log.reread(changes):
            if not is_first:
                self._learn(change)
        self.began.set()
        self._wake()

    def changed(self, change: Change) -> None:
        """A change was added to the log."""
        self._learn(change)
        self.log.append(change)
        self._wake()

    def progressed(self, status: JobStatus) -> None:
        """A job's progress was heard. It is left out where the change of state before it has still to come."""
        known = self._known.get(status.job_id)
        if len(self.wakes) and (known is None or Position.of(status).number <= known.position.number):
            self._tell("status", status.job_id, event_format.status_of(status), status)

    def retried(self, notice: WorkRetried) -> None:
        """It was heard that some work is retried."""
        if len(self.wakes):
            self._tell("retrying", notice.job_id, event_format.retrying(notice), None)

    def _learn(self, change: Change) -> None:
        status = change.status
        if status is None:
            return
        known, now = self._known.get(status.job_id), Position.of(status)
        # It was found in the store already, unless it is of a later job with the same id.
        change.told = (
            known is not None and now.number <= known.position.number and now.updated <= known.position.updated
        )
        if not change.told:
            self._remember(status)
            self._news.pop(("status", status.job_id), None)

    def _remember(self, status: JobStatus) -> None:
        self._known[status.job_id] = _Known(Position.of(status), status.state)
        self._known.move_to_end(status.job_id)
        if len(self._known) > _KNOWN_KEPT:
            self._known.popitem(last=False)

    def _tell(self, kind: str, job_id: str, data: bytes, status: JobStatus | None) -> None:
        self.newest += 1
        state, updated_at = (status.state, status.updated_at) if status else (None, time.time())
        self._news[kind, job_id] = _News(self.newest, state, updated_at, data)
        self._news.move_to_end((kind, job_id))
        if len(self._news) > _NEWS_KEPT:
            self._news.popitem(last=False)
        self._wake()

    def _wake(self) -> None:
        if not self._is_waking:
            self._is_waking = True
            asyncio.get_running_loop().call_later(_PACE_SECONDS, self._wake_now)

    def _wake_now(self) -> None:
        self._is_waking = False
        self.wakes.all()

    # ---------------------------------------------------------------- what clients are sent

    def news_after(self, number: int, states: frozenset[JobState] | None, *, since: float = 0.0) -> bytes:
        """The news after this one; of jobs in these states, updated after `since`."""
        found = []
        for news in reversed(self._news.values()):
            if news.number <= number:
                break
            if news.updated_at > since and (states is None or news.state is None or news.state in states):
                found.append(news.data)
        return b"".join(reversed(found))

    async def snapshot(self) -> Snapshot:
        """The active jobs now; read once for all who ask within a second.

        Raises:
            StoreDown: the store does not answer.
        """
        return await self._snapshots.latest()

    # ---------------------------------------------------------------- while nothing is heard

    async def run(self) -> None:
        """Read the active jobs from the store while no events are heard and somebody watches, until cancelled."""
        was_hearing = True
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            if len(self.wakes) and not (self._is_hearing() and was_hearing):
                try:
                    await self._sweep()
                except PodcastError as error:
                    log.debug("the active jobs were not read", reason=str(error))
            was_hearing = self._is_hearing()

    async def _sweep(self) -> None:
        snapshot = await self.snapshot()
        active = {status.job_id for status in snapshot.jobs}
        # Those that were active when they were last heard of, and are not any more.
        left = [
            job_id
            for job_id, known in reversed(self._known.items())
            if job_id not in active and known.state not in TERMINAL_STATES
        ]
        ended = await gathered(self._look, left[:SNAPSHOT_JOBS], at_a_time=_READS_AT_A_TIME)
        for status in (*snapshot.jobs, *(status for status in ended if status is not None)):
            self._found(status)

    def _found(self, status: JobStatus) -> None:
        """Take a status that the store has."""
        known, now = self._known.get(status.job_id), Position.of(status)
        if known is None:
            self.changed(Change.found(Step(status)))
        elif now.updated > known.position.updated:
            if (now.number, now.change) == (known.position.number, known.position.change):
                self.progressed(status)
                self._remember(status)
            else:
                for step in unseen(status, known.position) or [Step(status)]:
                    self.changed(Change.found(step))

    async def _look(self, job_id: str) -> JobStatus | None:
        try:
            return await look(self._store, job_id)
        except UnreadableJob:
            return None
