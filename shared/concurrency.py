"""Concurrent calls, a bounded number at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def gathered(call: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, at_a_time: int) -> list[Result]:
    """Call `call` with each item; the results are in the order of the items.

    An error of one call is raised here, as by `asyncio.gather`: the other calls go on.

    Args:
        call: the call.
        items: its arguments.
        at_a_time: the maximum number of calls that run at the same time.
    """
    turn = asyncio.Semaphore(at_a_time)

    async def bounded(item: Item) -> Result:
        async with turn:
            return await call(item)

    return await asyncio.gather(*map(bounded, items))
