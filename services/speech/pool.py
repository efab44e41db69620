"""The worker processes behind one bounded queue.

Each slot owns one worker at a time: it starts it, sends it texts, kills it at the deadline and replaces it. A text
whose worker dies is tried once more on the replacement; if that dies too, the text fails. A text whose client has gone
before its turn is never spoken.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from services.speech.speech_request import Refused, SpeechRequest
from services.speech.worker_process import Answer, WorkerLost, WorkerProcess

START_SECONDS = 180.0
"""For a worker to start and load the default voice: 2 s for piper, but 54 s were measured beside 15 busy processes."""
RESTART_PAUSE_SECONDS = (0.0, 0.2, 1.0, 5.0)
"""Pause before a worker is restarted, by the number of failures in a row; the last value for any more."""
TRIES = 2
"""Tries for a text whose worker dies: the first death may have been an accident."""

log = structlog.get_logger()


@dataclass(eq=False)
class _Text:
    """One text in the queue."""

    request: dict[str, Any]
    done: asyncio.Future[Answer]
    deadline: float
    tries: int = 0


@dataclass
class Pool:
    """Speaks texts, `size` at a time.

    Attributes:
        size: worker processes.
        warm: the request that makes a new worker load the default voice.
        deadline_seconds: for one text, waiting included.
        waiting_limit: texts that may wait; more are refused with 429.
    """

    size: int
    warm: dict[str, Any]
    deadline_seconds: float
    waiting_limit: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first worker has loaded the default voice."""
    workers: set[WorkerProcess] = field(default_factory=set)
    """Workers that have loaded the default voice and are running."""
    busy: int = 0
    failures: int = 0
    """Starts that failed in a row."""
    failure: str = ""
    """Why the last start failed."""
    _queue: deque[_Text] = field(default_factory=deque)
    _queued: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    _mean_seconds: float = 1.0

    @property
    def waiting(self) -> int:
        """Texts that no worker has taken yet."""
        return len(self._queue)

    async def run(self) -> None:
        """Keep the workers alive until cancelled; then kill them."""
        async with asyncio.TaskGroup() as slots:
            for _ in range(self.size):
                slots.create_task(self._slot())

    async def speak(self, asked: SpeechRequest) -> Answer:
        """Wait for a worker and have it speak.

        Raises:
            Refused: 429 too many are waiting, 504 the deadline has passed, 500 two workers died on this text.
        """
        if self.waiting >= self.waiting_limit:
            seconds = max(1, math.ceil(self.waiting * self._mean_seconds / self.size))
            raise Refused(
                429,
                f"{self.waiting} texts are waiting already.",
                "too_many_requests",
                kind="rate_limit_error",
                retry_after_seconds=seconds,
            )
        loop = asyncio.get_running_loop()
        text = _Text(asdict(asked), loop.create_future(), loop.time() + self.deadline_seconds)
        self._queue.append(text)
        self._queued.release()
        try:
            async with asyncio.timeout_at(text.deadline):
                return await text.done
        except TimeoutError:
            raise _too_slow(self.deadline_seconds) from None
        finally:
            text.done.cancel()
            with suppress(ValueError):  # a worker has already taken it
                self._queue.remove(text)

    async def _slot(self) -> None:
        """Run one worker after another, forever."""
        carried: _Text | None = None
        while True:
            await asyncio.sleep(RESTART_PAUSE_SECONDS[min(self.failures, len(RESTART_PAUSE_SECONDS) - 1)])
            try:
                worker = await WorkerProcess.start()
            except OSError as error:
                self._failed(f"no process can be started: {error.strerror}")
                continue
            try:
                await self._warm(worker)
                self.workers.add(worker)
                while True:
                    carried = carried or await self._next(worker)
                    await self._serve(worker, carried)
                    carried = None
            except WorkerLost as lost:
                log.warning("worker lost", pid=worker.pid, reason=str(lost))
                carried = self._carry(carried)
            finally:
                self.workers.discard(worker)
                await worker.kill()

    async def _warm(self, worker: WorkerProcess) -> None:
        """Have a new worker load the default voice."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = await worker.request(self.warm)
            problem = answer.header.get("error", "")
        except TimeoutError:
            problem = f"it was not ready within {START_SECONDS:g} s"
        except WorkerLost as lost:
            problem = str(lost)
        if problem:
            self._failed(problem)
            raise WorkerLost(f"it could not start: {problem}")
        self.failures = 0
        self.ready.set()
        log.info("worker ready", pid=worker.pid, seconds=round(time.monotonic() - began, 2))

    def _failed(self, problem: str) -> None:
        self.failures += 1
        self.failure = problem

    async def _next(self, worker: WorkerProcess) -> _Text:
        """The next text that a client still waits for.

        Raises:
            WorkerLost: the worker ended before there was one.
        """
        while True:
            queued = asyncio.ensure_future(self._queued.acquire())
            try:
                await asyncio.wait({queued, worker.gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                took = queued.done() and not queued.cancelled()
                queued.cancel()
            if worker.gone.done():
                if took:
                    self._queued.release()
                raise WorkerLost(f"it ended with {worker.gone.result()} while it had nothing to do")
            if self._queue:  # empty if the text's client has left
                return self._queue.popleft()

    async def _serve(self, worker: WorkerProcess, text: _Text) -> None:
        """Have `worker` speak `text`. It finishes even if the client goes away in the meantime."""
        if text.done.done():  # its client left while this worker was starting
            return
        text.tries += 1
        self.busy += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout_at(text.deadline):
                answer = await worker.request(text.request)
        except TimeoutError:
            if not text.done.done():
                text.done.set_exception(_too_slow(self.deadline_seconds))
            raise WorkerLost(f"it was not done after {self.deadline_seconds:g} s") from None
        finally:
            self.busy -= 1
        self._mean_seconds += 0.1 * (time.monotonic() - began - self._mean_seconds)
        if not text.done.done():
            text.done.set_result(answer)

    @staticmethod
    def _carry(text: _Text | None) -> _Text | None:
        """The text whose worker has died, if it will be tried again."""
        if text is None or text.done.done():
            return None
        if text.tries < TRIES:
            return text
        text.done.set_exception(
            Refused(500, "The worker process died while it spoke this text.", "worker_died", kind="server_error")
        )
        return None


def _too_slow(seconds: float) -> Refused:
    return Refused(504, f"The text was not spoken within {seconds:g} s.", "deadline_exceeded", kind="server_error")
