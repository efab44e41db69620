"""CPU-bound Python off the event loop: in worker processes with an allowance, which can be killed as a thread cannot.

Workers are started when needed, kept for the next call, and ended with the loop.
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
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

from anyio.lowlevel import RunVar

from shared.errors import BadSource, DeadlineExceeded, TooLarge, Transient
from shared.tracing import spans
from shared.workers import allowances, worker_process
from shared.workers.allowances import Allowance

_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")

_READ_BYTES = 1 << 20

IDLE_SECONDS = 300.0
"""A worker that has been idle for this long is ended at the next call."""

_TRIES = 2
"""An idle worker may have been killed from outside; that is noticed at the next call, and a new one takes over."""

_CRASHES = frozenset({-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE})


async def in_worker(
    what: str,
    seconds: float,
    function: Callable[_Parameters, _Result],
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Result:
    """Call `function` in a worker process; it is killed at the deadline, and when the waiting task is cancelled.

    The larger its arguments are, the more CPU time and memory it may use (`allowances.of_worker`).

    Args:
        what: names the work in the error.
        seconds: the deadline, from now.
        function: a function of a module, with arguments and a result that can be pickled.
        *args: its arguments.
        **kwargs: its keyword arguments.

    Raises:
        BadSource: the document crashes it.
        TooLarge: it needed more CPU time or memory than its allowance.
        DeadlineExceeded: it took longer than `seconds`.
        Transient: the worker was killed from outside, twice.
    """
    call = pickle.dumps(partial(function, *args, **kwargs), pickle.HIGHEST_PROTOCOL)
    allowance = allowances.of_worker(len(call))
    code = 0
    try:
        async with asyncio.timeout(seconds):
            for _ in range(_TRIES):
                try:
                    with spans.span(what):
                        ok, result = await _pool().call(call, allowance)
                except _Died as died:
                    code = died.code
                    if code == -signal.SIGXCPU:
                        break
                else:
                    if ok:
                        return cast("_Result", result)
                    raise _named(result, allowance)
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"{what} took longer than it may.", hint="Split the document, or raise the deadline of the service."
        ) from error
    if code == -signal.SIGXCPU:
        raise allowances.used_up(what, allowance)
    if code in _CRASHES:
        raise BadSource(f"{what} crashes the parser.", hint="Convert the document to another format.")
    raise Transient(f"{what} ended early: its process was killed.", hint="Look whether the machine is short of memory.")


def _named(error: BaseException, allowance: Allowance) -> BaseException:
    if isinstance(error, MemoryError):
        return TooLarge(
            f"The document needs more than {allowance.memory_bytes / 1e9:.1f} GB of memory.", hint="Split the document."
        )
    if isinstance(error, RecursionError):
        return BadSource("The document is nested too deeply.", hint="Convert it to another format.")
    return error


class _Died(Exception):
    """The worker ended before it answered."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class _Pool:
    """The workers of one event loop."""

    idle: list[tuple[float, Process]] = field(default_factory=list)
    all: set[Process] = field(default_factory=set)
    end: asyncio.Task[None] | None = None

    async def call(self, call: bytes, allowance: Allowance) -> tuple[bool, Any]:
        worker = await self._take()
        keep = False
        try:
            await _send(worker, pickle.dumps((allowance.cpu_seconds, allowance.memory_bytes)))
            await _send(worker, call)
            ok, grown, result = pickle.loads(await _answer(worker))  # noqa: S301 - our own worker wrote it
            keep = not grown
        except (BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
            raise _Died(await worker.wait()) from None
        finally:
            if keep:
                self.idle.append((time.monotonic(), worker))
            else:
                await self._kill(worker)
        return ok, result

    async def _take(self) -> Process:
        while self.idle and self.idle[0][0] < time.monotonic() - IDLE_SECONDS:
            await self._kill(self.idle.pop(0)[1])
        while self.idle:
            _, worker = self.idle.pop()
            if worker.returncode is None:
                return worker
            self.all.discard(worker)
        if self.end is None:
            self.end = asyncio.create_task(self._end_with_the_loop())
        # The parsers of untrusted documents get no secrets.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PODCAST_")}
        worker = await asyncio.create_subprocess_exec(
            sys.executable, str(worker_process.__file__), stdin=PIPE, stdout=PIPE, limit=1 << 20, env=environment
        )
        self.all.add(worker)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # noticed at the next call
            await _send(worker, pickle.dumps(sys.path))
        return worker

    async def _kill(self, worker: Process) -> None:
        self.all.discard(worker)
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await drain(worker.stdout)
        await worker.wait()  # it was killed, so this returns immediately; without it a zombie would remain

    async def _end_with_the_loop(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for worker in list(self.all):
                await self._kill(worker)


_running: RunVar[_Pool] = RunVar("workers")


def _pool() -> _Pool:
    try:
        return _running.get()
    except LookupError:
        pool = _Pool()
        _running.set(pool)
        return pool


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
