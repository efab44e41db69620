"""How many messages a process handles at a time, where it holds more of them.

A handler whose scarce part is over (a speech server's call) frees its slot, and the next message that the process holds
is handled while the rest of the work is done. Until a message has a slot, neither its deadline runs nor does anything
count against it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from shared.errors import PodcastError


class NoSlot(PodcastError):
    """The process takes on nothing more: it stops, or its queue is paused. Another one may handle the message."""


class HandlingSlots:
    """The slots of a process.

    Args:
        count: messages that are handled at a time.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a slot, and have it during the context unless the handler frees it.

        Raises:
            NoSlot: as of `dismiss`.
        """
        slot = _Slot(self)
        await slot.take()
        _MINE.set(slot)  # the task handles this message alone
        try:
            yield
        finally:
            slot.free()

    def dismiss(self) -> None:
        """Raise `NoSlot` in whoever waits."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(NoSlot("The process takes on nothing more."))

    async def take(self) -> None:
        """Wait for a slot, in the order of arrival."""
        if self._free:  # then nobody waits
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # it came in the same moment
                self.free()
            raise

    def free(self) -> None:
        """Give a slot to who waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class _Slot:
    """What a handler has, or has not."""

    def __init__(self, slots: HandlingSlots) -> None:
        self._slots = slots
        self._is_taken = False

    async def take(self) -> None:
        if not self._is_taken:
            await self._slots.take()
            self._is_taken = True

    def free(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._slots.free()


_MINE: ContextVar[_Slot | None] = ContextVar("slot", default=None)


def free() -> None:
    """Free the slot of the message that is being handled; a handler may do so early, and more than once."""
    if (slot := _MINE.get()) is not None:
        slot.free()


async def take() -> None:
    """Wait until the message that is being handled has a slot again, if it was freed.

    Raises:
        NoSlot: the process stops, or its queue is paused.
    """
    if (slot := _MINE.get()) is not None:
        await slot.take()
