"""The dead-letter queues, for operators: look, replay, discard.

Looking takes dead letters from `<queue>.dead` without acking them and returns them in order. A removal acks them one by
one; a replayed letter is acked only after its copy is confirmed in the work queue, so a process that is killed in
between leaves it in both queues, never in neither (every consumer is idempotent). What arrives meanwhile is left alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from shared.dead_letters import correcting, editing, operator_lock
from shared.dead_letters.letter import DeadLetter, identity, read
from shared.dead_letters.queue_reader import QueueReader
from shared.dead_letters.replay import cleaned, object_in, resume
from shared.dead_letters.selection import First, Named, Selection, queue_named
from shared.errors import BadInput
from shared.protocol.messages import ChunkRequested, JobRequest, Message
from shared.protocol.topology import WORK_QUEUES, WorkQueue
from shared.runtime import message_traces
from shared.runtime.broker import calling
from shared.runtime.publishing import Publisher
from shared.store.port import Store

ACKS_UNDER_WAY: Final = 30
"""As many acks reach a quorum queue before it has answered the first (rabbit_fifo_client: 32)."""


class Verdict(Enum):
    """What happens to a dead letter after it was looked at."""

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
        for_whom: str = "",
        store: Callable[[], Awaitable[Store]] | None = None,
    ) -> None:
        """Use an open connection.

        Args:
            connection: to the broker. Close it after an error: other operators wait until then.
            call_seconds: deadline of one call to the broker.
            wait_seconds: how long to wait for another operator.
            say: called with a message that names the operator being waited for.
            for_whom: on whose behalf this is, for operators who wait; empty: the user of this process.
            store: gives the store, to correct a chunk; None: none can be corrected.
        """
        self._connection = connection
        self._call_seconds = call_seconds
        self._wait_seconds = wait_seconds
        self._say = say
        self._for_whom = for_whom
        self._store = store

    async def visit(self, queues: Iterable[WorkQueue], visitor: Visitor, *, doing: str) -> None:
        """Pass every current dead letter to the visitor, oldest first, and carry out its verdict.

        At most about `queue_reader.HELD_BYTES` are in memory at a time. If this is cancelled, the visit in progress
        ends first, and every dead letter is returned.

        Raises:
            Busy: another operator is using the dead letters and does not finish.
            BrokerDown: the connection was lost; no dead letter is.
        """
        async with operator_lock.acquired(
            self._connection,
            doing=f"{doing} for {self._for_whom}" if self._for_whom else doing,
            wait_seconds=self._wait_seconds,
            say=self._say,
            call_seconds=self._call_seconds,
        ):
            for queue in queues:
                cancelled = asyncio.Event()
                visiting = asyncio.create_task(self._visit_queue(queue, visitor, cancelled))
                try:
                    await asyncio.shield(visiting)
                except asyncio.CancelledError:
                    cancelled.set()
                    await visiting
                    raise

    async def _visit_queue(self, queue: WorkQueue, visitor: Visitor, cancelled: asyncio.Event) -> None:
        visit = _Visit()
        await _visit(self._reader(queue), queue, visitor, cancelled, visit)
        # A channel that closes with many acks under way loses some of them, and the broker returns those letters.
        came_back = visit.removed.total() > ACKS_UNDER_WAY
        while came_back:
            again = _Visit()
            # Not cancelled: what was reported as removed must be removed.
            await _visit(self._reader(queue), queue, visit.remover(again), asyncio.Event(), again)
            came_back = again.removed.total() > 0

    def _reader(self, queue: WorkQueue) -> QueueReader:
        return QueueReader(self._connection, queue.dead, call_seconds=self._call_seconds)

    async def find(self, selection: Selection, *, limit: int | None = None) -> list[DeadLetter]:
        """The selected dead letters, oldest first within their queue.

        Args:
            selection: which.
            limit: at most this many, the first ones; None: all.

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
        """One dead letter for each of these ids, which may be abbreviated.

        Raises:
            BadInput: one is not an id, or several dead letters match it.
            NotFound: no dead letter has this id.
            Busy, BrokerDown: as in `visit`.
        """
        asked = Named(prefixes)

        async def see(letter: DeadLetter, _: AbstractIncomingMessage) -> Verdict:
            asked.see(letter)
            return Verdict.KEEP

        await self.visit(WORK_QUEUES, see, doing="looking for a letter")
        return asked.found()

    async def opened(self, prefix: str) -> tuple[DeadLetter, bytes]:
        """The dead letter with this id, which may be abbreviated, and its body.

        Raises:
            BadInput, NotFound, Busy, BrokerDown: as in `named`.
        """
        asked = Named([prefix])
        bodies: dict[str, bytes] = {}

        async def see(letter: DeadLetter, message: AbstractIncomingMessage) -> Verdict:
            asked.see(letter)
            if letter.id.startswith(prefix):
                bodies[letter.id] = message.body
            return Verdict.KEEP

        await self.visit(WORK_QUEUES, see, doing="looking at a letter")
        (found,) = asked.found()
        return found, bodies[found.id]

    async def replay(
        self,
        selection: Selection,
        *,
        limit: int | None = None,
        edited: str | None = None,
        confirmed: Callable[[DeadLetter], None] = lambda _: None,
    ) -> bool:
        """Send dead letters back to the work queue that they died in; each is removed when its copy is confirmed there.

        This also reopens a failed job, with a fresh deadline, unless no job waits for what the message asks for.

        The copy bypasses the exchange, since other queues bound to the same routing key already got the message.

        Args:
            selection: which; only dead letters that exist when their queue is opened.
            limit: at most this many, the first ones; None: all.
            edited: a corrected message, JSON, to be sent instead of the one selected dead letter's own.
            confirmed: called with each when its copy is confirmed and it is about to be removed.

        Returns:
            Whether the limit has left some of the selected ones where they are.

        Raises:
            BadInput, Conflict, StoreDown: the corrected message cannot be sent in place of the dead letter; it stays.
            Busy, BrokerDown: as in `visit`; what was not confirmed stays a dead letter.
        """
        async with calling(self._call_seconds, "opening a channel"):
            channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)

        async def send(message: aio_pika.Message, exchange: str, routing_key: str, mandatory: bool) -> None:
            target = await channel.get_exchange(exchange, ensure=False)
            await target.publish(message, routing_key, mandatory=mandatory)

        publish = Publisher(send, deadline_seconds=self._call_seconds)

        taken = First(selection, limit)

        async def send_back(letter: DeadLetter, message: AbstractIncomingMessage) -> Verdict:
            if not taken.takes(letter):
                return Verdict.KEEP
            queue = queue_named(letter.queue)
            # First the message, then the resume that says where it is: the other way round, if this process were killed
            # in between, the coordinator would wait for a message that was never sent. A result that arrives before the
            # job is reopened is an object in the store; a repeated request finds it.
            corrected = None if edited is None else await self._corrected(message, queue, edited)
            copy = cleaned(message, queue, corrected=corrected)
            with message_traces.sending_back(message, copy, queue.name):
                await publish.copy_to(queue, copy)
                if letter.job_id is not None and queue.advances_job(letter.type):
                    await publish(resume(letter, object_in(message, corrected)))
            confirmed(letter)
            return Verdict.REMOVE

        await self.visit(selection.queues, send_back, doing="replaying")
        return taken.left_some

    async def _corrected(self, message: AbstractIncomingMessage, queue: WorkQueue, edited: str) -> Message:
        """The message to send in place of a dead letter."""
        wanted = editing.parsed(message, queue, edited)
        if not isinstance(wanted, ChunkRequested | JobRequest):
            return wanted
        if self._store is None:
            raise BadInput("A message of a job can be corrected only where the job can be read.")
        if isinstance(wanted, ChunkRequested):
            return await correcting.corrected(await self._store(), editing.chunk_in(message), wanted)
        await correcting.request_counts(await self._store(), wanted)
        return wanted

    async def discard(
        self,
        selection: Selection,
        *,
        limit: int | None = None,
        removing: Callable[[DeadLetter], None] = lambda _: None,
    ) -> bool:
        """Remove dead letters permanently.

        Args:
            selection: which; only dead letters that exist when their queue is opened.
            limit: at most this many, the first ones; None: all.
            removing: called with each when it is about to be removed.

        Returns:
            Whether the limit has left some of the selected ones where they are.

        Raises:
            Busy, BrokerDown: as in `visit`.
        """
        taken = First(selection, limit)

        async def drop(letter: DeadLetter, _: AbstractIncomingMessage) -> Verdict:
            if not taken.takes(letter):
                return Verdict.KEEP
            removing(letter)
            return Verdict.REMOVE

        await self.visit(selection.queues, drop, doing="discarding")
        return taken.left_some


@dataclass
class _Visit:
    """What a visit has found and removed, by id; letters that are equal byte for byte have one id."""

    seen: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    def remover(self, later: _Visit) -> Visitor:
        """The visitor of a later visit that removes what this one removed and the broker has returned all the same."""

        async def remove(_: DeadLetter, message: AbstractIncomingMessage) -> Verdict:
            own_id = identity(message)
            kept = self.seen[own_id] - self.removed[own_id]
            return Verdict.REMOVE if own_id in self.removed and later.seen[own_id] > kept else Verdict.KEEP

        return remove


async def _visit(
    reader: QueueReader, queue: WorkQueue, visitor: Visitor, cancelled: asyncio.Event, visit: _Visit
) -> None:
    seen = visit.seen
    try:
        # What arrives from now on, such as a replayed letter that died again, is not for this visit.
        await reader.open()
        while messages := await reader.take():
            for message in messages:
                if cancelled.is_set():
                    return
                letter = read(message, queue)
                own_id = letter.id
                seen[own_id] += 1
                if seen[own_id] > 1:  # identical byte for byte, so it does not matter which one an id selects
                    letter = replace(letter, id=f"{own_id}-{seen[own_id]}")
                if await visitor(letter, message) is Verdict.REMOVE:
                    await reader.remove(message)
                    visit.removed[own_id] += 1
    finally:
        await reader.give_back()
