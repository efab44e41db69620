"""The main loop of a worker process: one call after the other, each within its allowance of CPU time and memory.

Reads frames (8 bytes of length, then a pickle) from its standard input: first the parent's `sys.path`, then for each
call its limits and the call itself, which it answers with one frame. It ends with its parent: the kernel kills it, or
it finds the pipe closed.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import pickle
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

LENGTH_BYTES = 8
_TRACEBACK_CHARACTERS = 4_000
OOM_SCORE = 500
"""Of 1,000: if memory is short, the kernel kills a worker, whose call is made again, and not its parent."""
GROWN_BYTES = 500_000_000
"""A worker that has used this much memory ends after the call: Python returns little of it."""


def main() -> None:
    """Serve calls until the parent closes its end of the pipe."""
    # Ctrl-C goes to every process of a terminal; the parent decides how to react.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # A library's output must not be mistaken for an answer, nor may a library read the next call.
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123 - a device, not a path
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    sys.path[:] = pickle.loads(read(calls))  # noqa: S301 - our parent wrote it
    importlib.import_module("shared.workers.lifeline").die_with_parent()
    _offer_to_the_oom_killer()
    while limits := read(calls):
        cpu_seconds, memory_bytes = pickle.loads(limits)  # noqa: S301 - our parent wrote it
        answer = _answer(read(calls), cpu_seconds, memory_bytes)
        answers.write(len(answer).to_bytes(LENGTH_BYTES, "big"))
        answers.write(answer)
        answers.flush()
        del answer


def read(source: BinaryIO) -> bytes:
    """The next frame; empty at the end."""
    length = source.read(LENGTH_BYTES)
    return source.read(int.from_bytes(length, "big")) if len(length) == LENGTH_BYTES else b""


def _answer(frame: bytes, cpu_seconds: float, memory_bytes: int) -> bytes:
    """A pickle of: whether it succeeded, whether this process should not be reused, the result or the error."""
    try:
        call = pickle.loads(frame)  # noqa: S301 - our parent wrote it
        ok, result = True, _limited(call, cpu_seconds, memory_bytes)
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        ok, result = False, _sendable(error)
    grown = _peak_bytes() > GROWN_BYTES
    return pickle.dumps((ok, grown, result), pickle.HIGHEST_PROTOCOL)


def _offer_to_the_oom_killer() -> None:
    with contextlib.suppress(OSError):  # not on Linux, or its parent has a higher score already
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")


def _peak_bytes() -> int:
    """The most memory that this process has had. `ru_maxrss` would do, if it did not begin with the parent's."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def _limited(call: Callable[[], Any], cpu_seconds: float, memory_bytes: int) -> Any:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    with _soft_limit(resource.RLIMIT_CPU, math.ceil(used + cpu_seconds)), _soft_limit(resource.RLIMIT_AS, memory_bytes):
        return call()


class _soft_limit:  # noqa: N801 - used like a function
    """A limit for the duration of a block. At the CPU time limit the kernel sends SIGXCPU, which ends the process."""

    def __init__(self, kind: int, value: int) -> None:
        self._kind = kind
        self._before = resource.getrlimit(kind)
        hard = self._before[1]
        self._value = value if hard == resource.RLIM_INFINITY else min(value, hard)

    def __enter__(self) -> None:
        resource.setrlimit(self._kind, (self._value, self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(self._kind, self._before)


def _sendable(error: BaseException) -> BaseException:
    if type(error).__module__ != "shared.errors":  # a bug: its parent has no other way to know where it is
        error.add_note("".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS:])
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made a moment ago
    except Exception:  # noqa: BLE001 - its class may do anything when it is pickled
        return RuntimeError(f"{type(error).__name__}: {error}"[:1_000])
    return error


if __name__ == "__main__":
    main()
