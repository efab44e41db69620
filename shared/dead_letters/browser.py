"""The dead-letter queues, for people: look, replay, discard. The dead letter channel's other end.

Looking takes letters from `<queue>.dead` without acking them and gives them back in their order. What is taken off is
acked one by one; a replayed letter only after its copy is confirmed in the work queue, so whoever is killed in between
leaves it in both, never in neither (every consumer is idempotent). What arrives meanwhile is left alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from enum import Enum

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from shared.dead_letters import operator_lock
from shared.dead_letters.letter import DeadLetter, read
from shared.dead_letters.queue_reader import QueueReader
from shared.dead_letters.replay import cleaned, resume
from shared.dead_letters.selection import Named, Selection, queue_named
from shared.protocol.topology import WORK_QUEUES, WorkQueue
from shared.runtime.broker import calling
from shared.runtime.publishing import Publisher


class Verdict(Enum):
    """What becomes of a letter that was looked at."""

    KEEP = "keep"
    REMOVE = "remove"


Visitor = Callable[[DeadLetter, AbstractIncomingMessage], Awaitable[Verdict]]


class DeadLetters:
    """The dead-letter queues of one broker, for one operator at a time."""

    def __init__(
        self,
        connection: AbstractConnection,
        *,
        call_seconds: float,
        wait_seconds: float = operator_lock.WAIT_SECONDS,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Over an open connection.

        Args:
            connection: to the broker. Close it after an error: other operators wait until then.
            call_seconds: deadline of one call to the broker.
            wait_seconds: how long to wait for another operator.
            say: told whom this one waits for.
        """
        self._connection = connection
        self._call_seconds = call_seconds
        self._wait_seconds = wait_seconds
        self._say = say

    async def visit(self, queues: Iterable[WorkQueue], visitor: Visitor, *, doing: str) -> None:
        """Show the visitor every letter that is there now, oldest first, and do what it says.

        In memory are `letter_shelf.HELD_BYTES` of letters at a time. If this is cancelled, the visit in progress ends
        first, and every letter is given back.

        Raises:
            Busy: another operator is at the dead letters and does not finish.
            BrokerDown: the connection was lost; nothing else is.
        """
        async with operator_lock.acquired(
            self._connection,
            doing=doing,
            wait_seconds=self._wait_seconds,
            say=self._say,
            call_seconds=self._call_seconds,
        ):
            for queue in queues:
                cancelled = asyncio.Event()
                reader = QueueReader(self._connection, queue.dead, call_seconds=self._call_seconds)
                visiting = asyncio.create_task(_visit(reader, queue, visitor, cancelled))
                try:
                    await asyncio.shield(visiting)
                except asyncio.CancelledError:
                    cancelled.set()
                    await visiting
                    raise

    async def find(self, selection: Selection, *, limit: int | None = None) -> list[DeadLetter]:
        """The letters that are meant, oldest first within their queue.

        Args:
            selection: which.
            limit: the first so many of them; None: all.

        Raises:
            Busy, BrokerDown: as in `visit`.
        """
        found: list[DeadLetter] = []

        async def see(letter: DeadLetter, _: AbstractIncomingMessage) -> Verdict:
            if selection.has(letter) and (limit is None or len(found) < limit):
                found.append(letter)
            return Verdict.KEEP

        await self.visit(selection.queues, see, doing="looking")
        return found

    async def named(self, prefixes: Sequence[str]) -> list[DeadLetter]:
        """The letters with these ids, or whose ids begin so, one for each.

        Raises:
            BadInput: this is no id, or several letters' ids begin so.
            NotFound: no letter has this id.
            Busy, BrokerDown: as in `visit`.
        """
        asked = Named(prefixes)

        async def see(letter: DeadLetter, _: AbstractIncomingMessage) -> Verdict:
            asked.see(letter)
            return Verdict.KEEP

        await self.visit(WORK_QUEUES, see, doing="looking for a letter")
        return asked.found()

    async def replay(self, selection: Selection, *, confirmed: Callable[[DeadLetter], None] = lambda _: None) -> None:
        """Send letters back to the work queue that they died in, and take each off when its copy is confirmed there.

        A failed job is opened again by it, with a fresh deadline.

        Past the exchange, since another queue may be bound to the same routing key and has had its copy.

        Args:
            selection: which; only letters that are there when their queue is opened.
            confirmed: told of each when its copy is confirmed and it is about to be taken off.

        Raises:
            Busy, BrokerDown: as in `visit`; what was not confirmed stays a dead letter.
        """
        async with calling(self._call_seconds, "opening a channel"):
            channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)

        async def send(message: aio_pika.Message, exchange: str, routing_key: str, mandatory: bool) -> None:
            target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
            await target.publish(message, routing_key, mandatory=mandatory)

        publish = Publisher(send, deadline_seconds=self._call_seconds)

        async def send_back(letter: DeadLetter, message: AbstractIncomingMessage) -> Verdict:
            if not selection.has(letter):
                return Verdict.KEEP
            queue = queue_named(letter.queue)
            # First the message, then the resume that says where it is: the other way round, the coordinator would wait
            # for a message that nobody has sent if this process were killed in between. A result that comes before the
            # job is open again is an object in the store, and whoever is asked for it anew finds it.
            await publish.raw(cleaned(message, queue), "", queue.name)
            if letter.job_id is not None:
                await publish(resume(letter))
            confirmed(letter)
            return Verdict.REMOVE

        await self.visit(selection.queues, send_back, doing="replaying")

    async def discard(self, selection: Selection, *, removing: Callable[[DeadLetter], None] = lambda _: None) -> None:
        """Take letters off for good.

        Args:
            selection: which; only letters that are there when their queue is opened.
            removing: told of each when it is about to be taken off.

        Raises:
            Busy, BrokerDown: as in `visit`.
        """

        async def drop(letter: DeadLetter, _: AbstractIncomingMessage) -> Verdict:
            if not selection.has(letter):
                return Verdict.KEEP
            removing(letter)
            return Verdict.REMOVE

        await self.visit(selection.queues, drop, doing="discarding")


async def _visit(reader: QueueReader, queue: WorkQueue, visitor: Visitor, cancelled: asyncio.Event) -> None:
    seen: Counter[str] = Counter()
    try:
        # What arrives from now on, such as a replayed letter that died again, is not for this visit.
        await reader.open()
        while messages := await reader.take():
            for message in messages:
                if cancelled.is_set():
                    return
                letter = read(message, queue)
                seen[letter.id] += 1
                if seen[letter.id] > 1:  # alike to the last byte; who names the second one gets one of them
                    letter = replace(letter, id=f"{letter.id}-{seen[letter.id]}")
                if await visitor(letter, message) is Verdict.REMOVE:
                    await reader.remove(message)
    finally:
        await reader.give_back()
