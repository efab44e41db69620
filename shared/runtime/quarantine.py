"""Finding the message that kills its consumer, without blaming its neighbours, or a network.

When a process dies, everything it had in hand is redelivered; only one of those messages may be to blame. So a
redelivered message is a suspect. A suspect is handled alone in its process, and a marker in the store says so while it
lasts. A process that lives, whatever comes of the message, takes the marker away. A marker that stayed is a death with
this one message in hand.

A message is redelivered as well when the connection is lost, and then nobody has died. A process that loses its
connection and lives gives up what it had in hand, takes its marker away, and leaves a note for each message that it was
handling in the ordinary way, without a marker. The first death left no marker either: so a suspect without a note has
one more death behind it than it has markers, and a suspect with a note has just as many. An ordinary message costs no
call to the store.

Notes and markers carry the token of their process: what this process left behind is no death, since it lives. Another
process may see a marker before its owner, cut off as it was, takes it away; a pause before the verdict is for that.
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
"""How long a message may wait at the gate in its consumer's hands; then it waits in a wait queue."""
VERDICT_PAUSE_SECONDS: Final = 2.0
"""Time for a process that has lost its connection to take its marker away."""
_TIDY_SECONDS: Final = 2.0
"""How long a message waits for its markers to be taken away; then that goes on without it."""
_TRIES_AFTER_SECONDS: Final = (0.0, 1.0, 4.0, 15.0, 60.0)
_LOST: Final = "lost-"


class Quarantine:
    """Lets ordinary messages through side by side, and suspects one at a time with nobody beside them.

    Args:
        store: where markers and notes are.
        crash_limit: deaths after which a suspect is poison.
        wait_seconds: how long a message may wait at the gate before it goes to a wait queue.
        verdict_pause_seconds: how long to wait before a message is called poison.
    """

    def __init__(
        self,
        store: Store,
        *,
        crash_limit: int,
        wait_seconds: float = GATE_SECONDS,
        verdict_pause_seconds: float = VERDICT_PAUSE_SECONDS,
    ) -> None:
        self._store = store
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
            left_behind, deaths = await self._evidence(message_id)
            if deaths >= self._crash_limit:
                await asyncio.sleep(self._verdict_pause_seconds)
                left_behind, deaths = await self._evidence(message_id)
            if deaths >= self._crash_limit:
                await self._clear(left_behind)
                raise Poison(
                    f"This message killed the process that handled it {deaths} times.",
                    hint="Look at its text and at the service's log; replay it once the cause is mended.",
                )
            mark = keys.suspect(message_id, f"{self._process}-{next(self._handlings)}")
            await self._store.put(mark, b"")
            try:
                yield
            except BaseException:
                await self._clear([mark])
                raise
            await self._clear([*left_behind, mark])

    def lost(self, message_id: str) -> None:
        """Note that an ordinary message was in hand when the connection was lost: its redelivery is nobody's death."""
        if message_id not in self._lost:
            self._lost.add(message_id)
            self._start(self._leave_note(message_id))

    async def settle(self, *, seconds: float) -> None:
        """Wait for notes and markers that are under way; the process is about to end."""
        if self._tidying:
            await asyncio.wait(set(self._tidying), timeout=seconds)

    async def _evidence(self, message_id: str) -> tuple[list[str], int]:
        """What is in the store about a suspect, and how many deaths that means."""
        prefix = keys.suspect(message_id)
        left_behind = [key async for key in self._store.list(prefix)]
        tokens = [key.removeprefix(prefix) for key in left_behind]
        markers = [token for token in tokens if not token.startswith((_LOST, self._process))]
        was_lost = message_id in self._lost or any(token.startswith(_LOST) for token in tokens)
        return left_behind, len(markers) + (0 if was_lost else 1)

    async def _leave_note(self, message_id: str) -> None:
        key = keys.suspect(message_id, f"{_LOST}{self._process}")
        try:
            await self._insist(lambda: self._store.put(key, b""), key)
        finally:
            self._lost.discard(message_id)

    async def _clear(self, marks: list[str]) -> None:
        """Take markers away; if the store does not answer, that goes on in the background."""

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
