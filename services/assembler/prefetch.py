"""Results in order, with a bounded number of fetches in progress."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def ahead(
    items: Iterable[Item], fetch: Callable[[Item], Awaitable[Result]], count: int
) -> AsyncGenerator[Result, None]:
    """`fetch(item)` of each item, in order, with at most `count` started before they are needed.

    Use it under `contextlib.aclosing`: leaving it early cancels what is still in progress.
    """
    pending: deque[asyncio.Future[Result]] = deque()
    try:
        for item in items:
            pending.append(asyncio.ensure_future(fetch(item)))
            if len(pending) >= count:
                yield await pending.popleft()
        while pending:
            yield await pending.popleft()
    finally:
        for future in pending:
            future.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
