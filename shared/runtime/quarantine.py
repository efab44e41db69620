"""Finding the message that kills its consumer, without blaming its neighbours.

When a process dies, everything it had in hand is redelivered; only one of those messages may be to blame. So a
redelivered message is a suspect. A suspect is handled alone in its process, and a marker in the store says so while it
lasts. A process that lives, whatever comes of the message, takes the marker away. A marker that stayed is a death with
this one message in hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator

import structlog

from shared.deadlines import deadline
from shared.errors import Outage, PodcastError, Poison
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

GATE_SECONDS = 60.0
"""How long a message may wait at the gate in its consumer's hands; then it waits in a wait queue."""


class Quarantine:
    """Lets ordinary messages through side by side, and suspects one at a time with nobody beside them.

    Args:
        store: where the markers are.
        crash_limit: deaths after which a suspect is poison.
        wait_seconds: how long a message may wait at the gate before it goes to a wait queue.
    """

    def __init__(self, store: Store, *, crash_limit: int, wait_seconds: float = GATE_SECONDS) -> None:
        self._store = store
        self._crash_limit = crash_limit
        self._wait_seconds = wait_seconds
        self._gate = asyncio.Lock()
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextlib.asynccontextmanager
    async def ordinary(self) -> AsyncIterator[None]:
        """Come in as soon as no suspect is being handled.

        Raises:
            Outage: it took too long.
        """
        async with deadline(self._wait_seconds, "waiting for a suspect message", error=Outage), self._gate:
            self._inside += 1
            self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if self._inside == 0:
                self._empty.set()

    @contextlib.asynccontextmanager
    async def suspect(self, message_id: str) -> AsyncIterator[None]:
        """Be alone, and leave a marker while it lasts.

        Raises:
            Poison: it has killed its consumer too often.
            Outage: the others took too long, or the store does not answer.
        """
        async with contextlib.AsyncExitStack() as gate:
            async with deadline(self._wait_seconds, "waiting to be alone", error=Outage):
                await gate.enter_async_context(self._gate)
                await self._empty.wait()
            marks = [key async for key in self._store.list(keys.suspect(message_id))]
            # It became a suspect by the first death, which left no marker.
            deaths = len(marks) + 1
            if deaths >= self._crash_limit:
                await self._clear(marks)
                raise Poison(
                    f"This message killed the process that handled it {deaths} times.",
                    hint="Look at its text and at the service's log; replay it once the cause is mended.",
                )
            mark = keys.suspect(message_id, secrets.token_hex(8))
            await self._store.put(mark, b"")
            try:
                yield
            except BaseException:
                await asyncio.shield(self._clear([mark]))
                raise
            await self._clear([*marks, mark])

    async def _clear(self, marks: list[str]) -> None:
        for mark in marks:
            try:
                await self._store.delete(mark)
            except PodcastError as error:
                log.warning("a suspect's marker stays", key=mark, reason=str(error))
