"""CPU-bound Python off the event loop: in worker processes that can be killed, as a thread cannot.

The workers are anyio's: started when they are needed, kept for the next call, ended with the loop. A worker whose
parent was killed reads the end of its standard input and ends too.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import resource
import signal
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_process

from shared.errors import DeadlineExceeded, TooLarge, Transient

_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")

MEMORY_LIMIT_BYTES = 4_000_000_000
"""A worker's address space. The largest tree that is let through (`pandoc.OUTPUT_LIMIT_BYTES`) loads in 2 GB."""

WARM_UP_SECONDS = 60.0
"""Loading takes a second on an idle machine."""

_TRIES = 2
"""An idle worker may have been killed from outside; that is noticed when it is called, and a new one does the work."""


async def in_worker(
    what: str,
    seconds: float,
    function: Callable[_Parameters, _Result],
    *args: _Parameters.args,
    **kwargs: _Parameters.kwargs,
) -> _Result:
    """Call `function` in a worker process; it is killed at the deadline, and when the waiting task is cancelled.

    Args:
        what: names the work in the error.
        seconds: the deadline, from now.
        function: a function of a module, with arguments and a result that can be pickled.
        *args: its arguments.
        **kwargs: its keyword arguments.

    Raises:
        DeadlineExceeded: it took longer than `seconds`.
        TooLarge: it needed more memory than `MEMORY_LIMIT_BYTES`.
        Transient: the worker was killed from outside, twice.
    """
    call = partial(_called, partial(function, *args, **kwargs))
    try:
        async with asyncio.timeout(seconds):
            for left in reversed(range(_TRIES)):
                try:
                    return await anyio.to_process.run_sync(call, cancellable=True)
                except anyio.BrokenWorkerProcess as error:
                    if not left:
                        raise Transient(
                            f"{what} ended early: its process was killed.",
                            hint="Look whether the machine is short of memory.",
                        ) from error
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"{what} took longer than it may.", hint="Split the document, or raise PODCAST_CHUNKER_DEADLINE_SECONDS."
        ) from error
    raise AssertionError("unreachable: the last try returns or raises")


def _called(function: Callable[[], _Result]) -> _Result:
    """Runs in the worker."""
    # Ctrl-C goes to every process of a terminal. An answer to it would be taken for the answer to the next call.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard == resource.RLIM_INFINITY or hard > MEMORY_LIMIT_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, hard))
    try:
        return function()
    except MemoryError:
        raise TooLarge(
            f"The document needs more than {MEMORY_LIMIT_BYTES / 1e9:g} GB of memory.", hint="Split the document."
        ) from None


async def warm_up() -> None:
    """Start one worker before the first job needs it; a job that comes meanwhile starts its own."""
    with contextlib.suppress(Transient):
        await in_worker("Starting a worker", WARM_UP_SECONDS, _load)


def _load() -> None:
    for module in ("services.chunker.documents", "services.chunker.manifests"):
        importlib.import_module(module)
