"""Finds the message that kills its consumer, without blaming its neighbours or a network failure.

When a process dies, everything it had in flight is redelivered, but only one of those messages may be to blame. So a
redelivered message is a suspect. A suspect is handled alone in its process, and there is a marker in the store
meanwhile. A process that survives removes the marker, whatever the outcome. A marker that remains means a death while
only this message was being handled.

A message is also redelivered when the connection is lost, although no process has died. A process that survives the
loss of its connection gives up what it had in flight, removes its marker, and leaves a note for each message that it
was handling in the ordinary way, without a marker. The first death left no marker either: so for a suspect without a
note, the number of deaths is the number of markers plus one; with a note, it is the number of markers. An ordinary
message costs no call to the store.

Notes and markers carry the token of their process: those of this process do not mean a death, since it is alive.
Another process may see a marker before its disconnected owner has removed it, hence the pause before the verdict.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final

import structlog

from shared.deadlines import deadline
from shared.errors import Outage, PodcastError, Poison
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

GATE_SECONDS: Final = 60.0
"""How long a message may wait at the gate unacked; after that it goes to a wait queue."""
VERDICT_PAUSE_SECONDS: Final = 2.0
"""Gives a process that has lost its connection time to remove its marker."""
_TIDY_SECONDS: Final = 2.0
"""How long a message waits for its markers to be removed; after that, removal continues in the background."""
_TRIES_AFTER_SECONDS: Final = (0.0, 1.0, 4.0, 15.0, 60.0)
_LOST: Final = "lost-"


class Quarantine:
    """Lets ordinary messages run concurrently, and each suspect alone.

    Args:
        store: where markers and notes are.
        service: whose messages these are; another service may get the same message.
        crash_limit: deaths after which a suspect is poison.
        wait_seconds: how long a message may wait at the gate before it goes to a wait queue.
        verdict_pause_seconds: how long to wait before a message is called poison.
    """

    def __init__(
        self,
        store: Store,
        *,
        service: str,
        crash_limit: int,
        wait_seconds: float = GATE_SECONDS,
        verdict_pause_seconds: float = VERDICT_PAUSE_SECONDS,
    ) -> None:
        self._store = store
        self._service = service
        self._crash_limit = crash_limit
        self._wait_seconds = wait_seconds
        self._verdict_pause_seconds = verdict_pause_seconds
        self._process = secrets.token_hex(8)
        self._handlings = itertools.count()
        self._lost: set[str] = set()
        """Messages whose note is not in the store yet."""
        self._tidying: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Lock()
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextlib.asynccontextmanager
    async def ordinary(self) -> AsyncIterator[None]:
        """Enter as soon as no suspect is being handled.

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
        """Enter alone, with a marker in the store meanwhile.

        Raises:
            Poison: the message has killed its consumer too often.
            Outage: other messages took too long, or the store does not answer.
        """
        async with contextlib.AsyncExitStack() as gate:
            async with deadline(self._wait_seconds, "waiting to be alone", error=Outage):
                await gate.enter_async_context(self._gate)
                await self._empty.wait()
            left_behind, deaths = await self._evidence(message_id)
            if deaths >= self._crash_limit:
                await asyncio.sleep(self._verdict_pause_seconds)
                left_behind, deaths = await self._evidence(message_id)
            if deaths >= self._crash_limit:
                await self._clear(left_behind)
                raise Poison(
                    f"This message killed the process that handled it {deaths} times.",
                    hint="Look at its text and at the service's log; replay it once the cause is fixed.",
                )
            mark = keys.suspect(self._service, message_id, f"{self._process}-{next(self._handlings)}")
            await self._store.put(mark, b"")
            try:
                yield
            except BaseException:
                await self._clear([mark])
                raise
            await self._clear([*left_behind, mark])

    def lost(self, message_id: str) -> None:
        """Note that an ordinary message was in flight when the connection was lost: its redelivery means no death."""
        if message_id not in self._lost:
            self._lost.add(message_id)
            self._start(self._leave_note(message_id))

    async def settle(self, *, seconds: float) -> None:
        """Wait for pending changes of notes and markers; the process is about to end."""
        if self._tidying:
            await asyncio.wait(set(self._tidying), timeout=seconds)

    async def _evidence(self, message_id: str) -> tuple[list[str], int]:
        """The store's keys about a suspect, and the number of deaths that they mean."""
        prefix = keys.suspect(self._service, message_id)
        left_behind = [key async for key in self._store.list(prefix)]
        tokens = [key.removeprefix(prefix) for key in left_behind]
        markers = [token for token in tokens if not token.startswith((_LOST, self._process))]
        was_lost = message_id in self._lost or any(token.startswith(_LOST) for token in tokens)
        return left_behind, len(markers) + (0 if was_lost else 1)

    async def _leave_note(self, message_id: str) -> None:
        key = keys.suspect(self._service, message_id, f"{_LOST}{self._process}")
        try:
            await self._insist(lambda: self._store.put(key, b""), key)
        finally:
            self._lost.discard(message_id)

    async def _clear(self, marks: list[str]) -> None:
        """Remove markers; if the store does not answer, removal continues in the background."""

        async def delete() -> None:
            for mark in marks:
                await self._insist(lambda mark=mark: self._store.delete(mark), mark)  # type: ignore[misc] # mypy cannot infer a lambda with a default

        await asyncio.wait({self._start(delete())}, timeout=_TIDY_SECONDS)

    @staticmethod
    async def _insist(call: Callable[[], Awaitable[Any]], key: str) -> None:
        for seconds in _TRIES_AFTER_SECONDS:
            await asyncio.sleep(seconds)
            try:
                await call()
            except PodcastError as error:
                log.warning("a suspect's marker cannot be changed yet", key=key, reason=str(error))
            else:
                return

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)
        return task
