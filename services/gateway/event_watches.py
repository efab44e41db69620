"""Watches jobs for any number of clients: a job's status is read once for all who watch it.

The store is authoritative; the events that the hub hears only arrive sooner. While it hears none, each watched job is
read every second or so; while it hears them, at a longer interval, in case an event was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog

from services.gateway import event_format, metrics
from services.gateway.event_positions import Step
from services.gateway.event_wakes import Wakes
from shared.client import watching
from shared.client.watching import UnreadableJob
from shared.errors import NotFound, PodcastError
from shared.protocol.messages import TERMINAL_STATES, JobStatus, WorkRetried
from shared.store.port import Store

log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 1.0
_READS_A_SECOND: Final = 100
"""With more jobs than this, each is read less often."""
_READS_AT_A_TIME: Final = 8
_JITTER: Final = 0.2
_NOTICES_KEPT: Final = 8


class Watch:
    """A job that somebody watches.

    Attributes:
        job_id: of the job.
        status: its latest status.
        is_gone: the store has nothing of it any more.
    """

    def __init__(self, job_id: str, status: JobStatus) -> None:
        self.job_id = job_id
        self.status = status
        self.is_gone = False
        self.wakes = Wakes()
        self.polling: asyncio.Task[None] | None = None
        self.look_now = asyncio.Event()
        self._heard_at = 0.0
        self._notices: deque[tuple[int, bytes]] = deque(maxlen=_NOTICES_KEPT)
        self._noticed = 0
        self._encoded: tuple[JobStatus, bytes] | None = None

    def heard(self, status: JobStatus) -> None:
        """Take the status of an event. That the job has ended is believed only when the store says so."""
        if status.state in TERMINAL_STATES:
            self.look_now.set()
        elif _order(status) > _order(self.status):
            self.status, self._heard_at = status, time.monotonic()
            self.wakes.all()

    def read(self, status: JobStatus | None, *, began: float) -> None:
        """Take what the store has; it counts more than any event heard before the reading began.

        Args:
            status: None: it has nothing.
            began: when the reading began, monotonic.
        """
        if status is None:
            self.is_gone = True
        elif began >= self._heard_at or _order(status) > _order(self.status):
            self.status = status
        self.wakes.all()

    def retried(self, notice: WorkRetried) -> None:
        """Take a notice that some of the job's work is retried."""
        self._noticed += 1
        self._notices.append((self._noticed, event_format.retrying(notice)))
        self.wakes.all()

    def notices_after(self, number: int) -> tuple[int, bytes]:
        """The notices after this one, and the number of the latest."""
        return self._noticed, b"".join(data for at, data in self._notices if at > number)

    def encoded(self, step: Step) -> bytes:
        """The event of a step; that of the present status is made once for all clients."""
        if step.passed:
            return event_format.step(step)
        if self._encoded is None or self._encoded[0] is not step.status:
            self._encoded = (step.status, event_format.step(step))
        return self._encoded[1]


class Watches:
    """The watched jobs of this process.

    Args:
        store: where their statuses are.
        look_seconds: how often each is read while events are heard.
        is_hearing: whether events are being heard.
    """

    def __init__(self, store: Store, *, look_seconds: float, is_hearing: Callable[[], bool]) -> None:
        self._store = store
        self._look_seconds = look_seconds
        self._is_hearing = is_hearing
        self._watches: dict[str, Watch] = {}
        self._opening: dict[str, asyncio.Task[Watch]] = {}
        self._reads = asyncio.Semaphore(_READS_AT_A_TIME)

    def of(self, job_id: str) -> Watch | None:
        """The watch of a job, if somebody watches it."""
        return self._watches.get(job_id)

    def look_now(self) -> None:
        """Read the status of every watched job soon: events may have been lost, or will be."""
        for watch in self._watches.values():
            watch.look_now.set()

    @contextlib.asynccontextmanager
    async def opened(self, job_id: str, wake: asyncio.Event) -> AsyncIterator[Watch]:
        """Watch a job while the body runs; `wake` is set whenever there may be news.

        Raises:
            NotFound: there is no such job.
            UnreadableJob: its status cannot be read.
            StoreDown: the store does not answer.
        """
        found = self._watches.get(job_id) or await self._first_look(job_id)
        watch = self._watches.get(job_id, found)
        if not len(watch.wakes):
            self._watches[job_id] = watch
            metrics.WATCHED_JOBS.set(len(self._watches))
            watch.polling = asyncio.create_task(self._poll(watch), name=f"watch of {job_id}")
        watch.wakes.add(wake)
        try:
            yield watch
        finally:
            watch.wakes.discard(wake)
            if not len(watch.wakes):
                if watch.polling is not None:
                    watch.polling.cancel()
                self._watches.pop(job_id, None)
                metrics.WATCHED_JOBS.set(len(self._watches))

    async def _first_look(self, job_id: str) -> Watch:
        """Read a job's status, once for all who ask at the same time."""
        task = self._opening.get(job_id)
        if task is None:
            task = asyncio.create_task(self._look(job_id), name=f"first look at {job_id}")
            self._opening[job_id] = task
            task.add_done_callback(lambda done: self._looked(job_id, done))
        return await asyncio.shield(task)

    def _looked(self, job_id: str, done: asyncio.Task[Watch]) -> None:
        self._opening.pop(job_id, None)
        if not done.cancelled():
            done.exception()  # else it would be reported where all who asked have left

    async def _look(self, job_id: str) -> Watch:
        # Once: a job that was submitted here is in the store before its client is answered.
        status = await watching.look(self._store, job_id)
        if status is None:
            raise NotFound(f"There is no job {job_id}.", hint="`GET /v1/jobs` lists the jobs there are.")
        return Watch(job_id, status)

    async def _poll(self, watch: Watch) -> None:
        while not watch.is_gone:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_seconds()):
                    await watch.look_now.wait()
            watch.look_now.clear()
            async with self._reads:
                began = time.monotonic()
                try:
                    status = await watching.look(self._store, watch.job_id)
                except UnreadableJob as error:
                    log.warning("a watched job cannot be read", job=watch.job_id, reason=str(error))
                except PodcastError as error:
                    log.debug("a watched job was not read", job=watch.job_id, reason=str(error))
                else:
                    watch.read(status, began=began)

    def _pause_seconds(self) -> float:
        usual = self._look_seconds if self._is_hearing() else min(_POLL_SECONDS, self._look_seconds)
        seconds = max(usual, len(self._watches) / _READS_A_SECOND)
        return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - it spreads the reads


def _order(status: JobStatus) -> tuple[int, float]:
    """Of two statuses of a job the later one has the higher order."""
    return (status.history[-1].number if status.history else 0, status.updated_at)
