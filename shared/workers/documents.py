"""Work on strangers' documents in worker processes: what a failure there says about the document."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar, cast

from shared.errors import BadSource, DeadlineExceeded, TooLarge, Transient
from shared.tracing import spans
from shared.workers import allowances, failures, pool

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

    The larger its arguments are, the more CPU time and memory it may use (`allowances.of_worker`).

    Args:
        what: names the work in the error.
        seconds: the deadline, from now.
        function: a function of a module, with arguments and a result that can be pickled.
        *args: its arguments.
        **kwargs: its keyword arguments.

    Raises:
        BadSource: the document crashes it, or is nested too deeply.
        TooLarge: it needed more CPU time or memory than its allowance.
        DeadlineExceeded: it took longer than `seconds`.
        Transient: the worker was killed from outside, twice.
    """
    call = pool.packed(partial(function, *args, **kwargs))
    allowance = allowances.of_worker(len(call))
    try:
        async with asyncio.timeout(seconds):
            with spans.span(what):
                return cast("_Result", await pool.of_loop().call(call, allowance))
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"{what} took longer than it may.", hint="Split the document, or raise the deadline of the service."
        ) from error
    except RecursionError as error:
        raise BadSource("The document is nested too deeply.", hint="Convert it to another format.") from error
    except failures.CpuTimeUsedUp as error:
        raise allowances.used_up(what, allowance) from error
    except failures.MemoryUsedUp as error:
        raise TooLarge(
            f"The document needs more than {allowance.memory_bytes / 1e9:.1f} GB of memory.", hint="Split the document."
        ) from error
    except failures.Crashed as error:
        raise BadSource(f"{what} crashes the parser.", hint="Convert the document to another format.") from error
    except failures.Killed as error:
        raise Transient(
            f"{what} ended early: its process was killed.", hint="Look whether the machine is short of memory."
        ) from error
