"""Whether a process can work at this moment, and if not, why: the basis of `/readyz`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from shared.deadlines import deadline
from shared.errors import PodcastError, StoreDown
from shared.store.port import Store

log = structlog.get_logger(__name__)

STORE_LOOK_SECONDS: Final = 5.0
"""How often the store is checked; checking more often would gain nothing for a process that is using it anyway."""
STORE_LOOK_AGAIN_SECONDS: Final = 1.0
"""The same while the store is down, so that its return is noticed soon."""
STORE_ANSWER_SECONDS: Final = 5.0
_STORE_SILENT_SECONDS: Final = 3 * (STORE_LOOK_SECONDS + STORE_ANSWER_SECONDS)


class Readiness:
    """The state of what a process needs for its work. Written by the event loop, read by another thread.

    Attributes:
        is_started: the queues are declared and the consumer is set up.
        is_stopping: it accepts no more messages.
        broker: returns why the broker's side is not ready; "" if it is.
    """

    def __init__(self, store: Store, *, broker: Callable[[], str]) -> None:
        self.is_started = False
        self.is_stopping = False
        self.broker = broker
        self._store = store
        self._store_trouble = ""
        self._store_seen = time.monotonic()

    def reasons(self) -> list[str]:
        """Why the process is not ready; empty if it is."""
        if self.is_stopping:
            return ["The service is stopping."]
        if not self.is_started:
            return ["The service is starting."]
        return [reason for reason in (self.broker(), self.store_trouble()) if reason]

    def store_trouble(self) -> str:
        """Why the store's side is not ready; "" if it is."""
        if self._store_trouble:
            return self._store_trouble
        silent_seconds = time.monotonic() - self._store_seen
        if silent_seconds > _STORE_SILENT_SECONDS:
            return f"The store was last seen {silent_seconds:.0f} s ago."
        return ""

    async def look(self) -> None:
        """Check whether the store is up, and remember the result."""
        try:
            async with deadline(STORE_ANSWER_SECONDS, "asking the store", error=StoreDown):
                await self._store.ping()
        except PodcastError as error:
            if not self._store_trouble:
                log.warning("not ready", reason=str(error))
            self._store_trouble = str(error)
        else:
            if self._store_trouble:
                log.info("the store is back")
            self._store_trouble, self._store_seen = "", time.monotonic()

    async def keep_looking(self) -> None:
        """Check repeatedly for as long as the process runs."""
        while True:
            await asyncio.sleep(STORE_LOOK_AGAIN_SECONDS if self._store_trouble else STORE_LOOK_SECONDS)
            await self.look()
