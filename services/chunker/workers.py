"""CPU-bound Python off the event loop: in worker processes that can be killed, as a thread cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio.to_process

from shared.errors import DeadlineExceeded

_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")


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
    """
    try:
        async with asyncio.timeout(seconds):
            return await anyio.to_process.run_sync(partial(function, *args, **kwargs), cancellable=True)
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"{what} took longer than it may.", hint="Split the document, or raise PODCAST_CHUNKER_DEADLINE_SECONDS."
        ) from error
