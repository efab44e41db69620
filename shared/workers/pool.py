"""CPU-bound work off the event loop: in worker processes with an allowance, which can be killed as a thread cannot.

Workers are started when needed, or beforehand (`fill`, `keep`); they are kept for the next call, and end with the loop
and with this process. What a failure means is for the caller to say: see `shared/workers/failures.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Any

import structlog
from anyio.lowlevel import RunVar

from shared.workers import failures, worker_process
from shared.workers.allowances import Allowance

log = structlog.get_logger(__name__)

_READ_BYTES = 1 << 20

IDLE_SECONDS = 300.0
"""A worker that has been idle for this long is ended at the next call, unless it is one of those that are kept."""
START_AGAIN_SECONDS = 5.0
"""The pause after a worker that could not be started: the machine may be short of memory."""

_TRIES = 2
"""An idle worker may have been killed from outside; that is noticed at the next call, and a new one takes over."""

_CRASHES = frozenset({-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE})

_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Each thread of a numeric library would reserve address space, and several workers use all CPUs anyway."""


class _Died(Exception):
    """The worker ended before it answered."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def packed(call: Callable[[], Any]) -> bytes:
    """A call as it is sent to a worker: usually a `partial` of a module's function."""
    return pickle.dumps(call, pickle.HIGHEST_PROTOCOL)


class WorkerPool:
    """The workers of one event loop."""

    def __init__(self) -> None:
        self._idle: list[tuple[float, Process]] = []
        self._all: set[Process] = set()
        self._kept = 0
        self._lost = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._end: asyncio.Task[None] | None = None

    async def call(self, call: bytes, allowance: Allowance) -> Any:
        """What the call returns. If this task is cancelled, the worker is killed.

        Args:
            call: as of `packed`; its result must be a pickle too.
            allowance: what it may use.

        Raises:
            WorkerFailure: it did not end properly.
            Exception: whatever the function raises.
        """
        code = 0
        for _ in range(_TRIES):
            try:
                return await self._ask(await self._take(), call, allowance)
            except _Died as died:
                code = died.code
                if code == -signal.SIGXCPU:
                    raise failures.CpuTimeUsedUp from None
        raise (failures.Crashed if code in _CRASHES else failures.Killed)(_reason(code))

    async def fill(self, count: int, call: bytes, allowance: Allowance) -> None:
        """Start workers until there are `count`. From now on, as many stay however long they are idle.

        Args:
            count: of workers.
            call: what a new worker does first, such as importing what it will need.
            allowance: for this call.

        Raises:
            WorkerFailure: a worker died meanwhile.
            Exception: whatever the call raises.
        """
        self._kept = count

        async def start_one() -> None:
            try:
                await self._ask(await self._start(), call, allowance)
            except _Died as died:
                raise failures.Killed(_reason(died.code)) from None

        await asyncio.gather(*(start_one() for _ in range(count - len(self._all))))

    async def keep(self, count: int, call: bytes, allowance: Allowance) -> None:
        """Start another worker whenever one has ended, so that no call has to wait for that. Never returns."""
        while True:
            self._lost.clear()
            try:
                await self.fill(count, call, allowance)
            except failures.WorkerFailure:
                await asyncio.sleep(START_AGAIN_SECONDS)
            else:
                await self._lost.wait()

    async def _ask(self, worker: Process, call: bytes, allowance: Allowance) -> Any:
        keep = False
        try:
            await _send(worker, pickle.dumps((allowance.cpu_seconds, allowance.memory_bytes)))
            await _send(worker, call)
            ok, grown, result = pickle.loads(await _answer(worker))  # noqa: S301 - our own worker wrote it
            keep = not grown
        except (BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
            code = await worker.wait()
            log.warning("worker died", pid=worker.pid, reason=_reason(code))
            raise _Died(code) from None
        finally:
            if keep:
                self._idle.append((time.monotonic(), worker))
            else:
                await self._kill(worker)
        if ok:
            return result
        if isinstance(result, MemoryError):
            raise failures.MemoryUsedUp from result
        raise result

    async def _take(self) -> Process:
        while len(self._idle) > self._kept and self._idle[0][0] < time.monotonic() - IDLE_SECONDS:
            await self._kill(self._idle.pop(0)[1])
        while self._idle:
            _, worker = self._idle.pop()
            if worker.returncode is None:
                return worker
        return await self._start()

    async def _start(self) -> Process:
        if self._end is None:
            self._end = asyncio.create_task(self._end_with_the_loop())
        # The parsers of untrusted documents and sounds get no secrets.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PODCAST_")}
        program = (sys.executable, str(worker_process.__file__))
        worker = await asyncio.create_subprocess_exec(
            *program, stdin=PIPE, stdout=PIPE, limit=_READ_BYTES, env=environment | _ONE_THREAD
        )
        self._all.add(worker)
        task = asyncio.create_task(self._watch(worker))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # noticed at the next call
            await _send(worker, pickle.dumps(sys.path))
        return worker

    async def _watch(self, worker: Process) -> None:
        """Notice that a worker has ended, also while it is idle."""
        await worker.wait()
        self._all.discard(worker)
        self._idle = [(since, idle) for since, idle in self._idle if idle is not worker]
        self._lost.set()

    async def _kill(self, worker: Process) -> None:
        self._all.discard(worker)
        self._lost.set()
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await drain(worker.stdout)
        await worker.wait()  # it was killed, so this returns immediately; without it a zombie would remain

    async def _end_with_the_loop(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for worker in list(self._all):
                await self._kill(worker)


_RUNNING: RunVar[WorkerPool] = RunVar("workers")


def of_loop() -> WorkerPool:
    """The pool of the event loop that is running."""
    try:
        return _RUNNING.get()
    except LookupError:
        pool = WorkerPool()
        _RUNNING.set(pool)
        return pool


def _reason(code: int) -> str:
    if code >= 0:
        return f"It ended with the exit code {code}."
    return f"It was ended by {signal.Signals(-code).name}."


async def _send(worker: Process, frame: bytes) -> None:
    assert worker.stdin is not None  # noqa: S101 - started with a pipe
    worker.stdin.write(len(frame).to_bytes(worker_process.LENGTH_BYTES, "big"))
    worker.stdin.write(frame)
    await worker.stdin.drain()


async def _answer(worker: Process) -> bytes:
    assert worker.stdout is not None  # noqa: S101 - started with a pipe
    length = await worker.stdout.readexactly(worker_process.LENGTH_BYTES)
    return await worker.stdout.readexactly(int.from_bytes(length, "big"))


async def drain(pipe: asyncio.StreamReader | None) -> None:
    """Read what a killed process has left in its pipe: asyncio's `wait` also waits for the end of a paused pipe."""
    while pipe and await pipe.read(_READ_BYTES):
        pass
