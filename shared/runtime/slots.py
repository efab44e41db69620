"""Limits how many messages a process handles at a time, where it holds more of them.

A handler that has finished its scarce part (a speech server's call) frees its slot, and the next message that the
process holds is handled while the rest of the work is done. Until a message has a slot, its deadline does not run, and
nothing counts against it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from shared.errors import PodcastError
from shared.semaphore import FairSemaphore


class NoSlot(PodcastError):
    """The process takes on nothing more: it stops, or its queue is paused. Another process may handle the message."""


class HandlingSlots:
    """The slots of a process.

    Args:
        count: messages that are handled at a time.
    """

    def __init__(self, count: int) -> None:
        self._semaphore = FairSemaphore(count)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a slot, and have it during the context unless the handler frees it.

        Raises:
            NoSlot: as of `dismiss`.
        """
        slot = _Slot(self._semaphore)
        await slot.take()
        _MINE.set(slot)  # the task handles this message alone
        try:
            yield
        finally:
            slot.free()

    def dismiss(self) -> None:
        """Raise `NoSlot` in everything that waits for a slot."""
        self._semaphore.dismiss(NoSlot("The process takes on nothing more."))


class _Slot:
    """The slot of one handler, which it has or has not."""

    def __init__(self, semaphore: FairSemaphore) -> None:
        self._semaphore = semaphore
        self._is_taken = False

    async def take(self) -> None:
        if not self._is_taken:
            await self._semaphore.acquire()
            self._is_taken = True

    def free(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._semaphore.release()


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
