"""A semaphore that serves by urgency, and in the order of arrival among equals.

`asyncio.Semaphore` has no priorities, and cannot send away those who wait.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FairSemaphore:
    """Lets so many in at a time.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    @asynccontextmanager
    async def let_in(self, urgency: int = 0) -> AsyncIterator[None]:
        """Acquire it for the duration of the context.

        Args:
            urgency: the smallest number goes first; among equals, the order of arrival counts.
        """
        await self.acquire(urgency)
        try:
            yield
        finally:
            self.release()

    async def acquire(self, urgency: int = 0) -> None:
        """Wait until let in; the caller must release it.

        Raises:
            Exception: as of `dismiss`.
        """
        if self._free:  # then nobody waits
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it came in the same moment
                self.release()
            raise

    def release(self) -> None:
        """Let the next one in."""
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():  # else whoever waited has been cancelled
                turn.set_result(None)
                return
        self._free += 1

    def dismiss(self, error: Exception) -> None:
        """Raise this error in whoever waits."""
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_exception(error)
