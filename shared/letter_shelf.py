"""Letters taken from a dead-letter queue to be looked at, and given back in their order.

How they keep their order (docs/adr/0008-dead-letters.md has the measurements): what one consumer holds goes back in the
order of delivery when its *channel ends*, by close or by kill. It does not when more than 32 letters are returned with
`basic.nack`, nor when letters that were fetched with `basic.get` come back from a killed client. So letters are
consumed in batches, a consumer each, and given back by closing the channel.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.broker_calls import calling
from shared.errors import BrokerDown
from shared.publishing import CONNECTION_ERRORS

BATCH_BYTES: Final = 32_000_000
"""About what one batch may hold. The broker reads a batch at once, and so do we."""
BATCH_LETTERS: Final = 4_096
_FIRST_BATCH_LETTERS: Final = 8
_GROWTH: Final = 8
"""A batch is at most so many times the one before, since sizes are only known afterwards."""
_SMALL_LETTER_BYTES: Final = 2_000

_BATCHES_A_CHANNEL: Final = 30
"""RabbitMQ gives back consumer after consumer in the order of their tags only up to 32 consumers."""
_OTHERS_SECONDS: Final = 2.0
"""How long to wait for consumers that are none of ours, before doing without what they hold."""
_POLL_SECONDS: Final = 0.005


@dataclass
class _Held:
    """A channel, and how many of the batches that came over it are not used up."""

    channel: AbstractChannel
    batches: int = 0
    kept: int = 0


class Shelf:
    """Holds letters of one dead-letter queue for a while."""

    def __init__(self, connection: AbstractConnection, queue: str, *, call_seconds: float) -> None:
        self._connection = connection
        self._queue = queue
        self._call_seconds = call_seconds
        self._counting: AbstractChannel | None = None
        self._held: list[_Held] = []
        self._left_of_batch = 0
        self._next_batch = _FIRST_BATCH_LETTERS
        self._largest_bytes = _SMALL_LETTER_BYTES

    async def waiting(self) -> int:
        """How many letters there are; 0 if there is no such queue.

        Raises:
            BrokerDown: the broker does not answer.
        """
        # The operator before us may have been killed a moment ago, and the letters be on their way back.
        await self._until_held_by(0, patience_seconds=_OTHERS_SECONDS)
        return (await self._count())[0]

    async def take(self, most: int) -> list[AbstractIncomingMessage]:
        """The next letters in their order, at most `most`; fewer than are there if they are large.

        Returns nothing when no letter comes within the deadline of a call: somebody else took them.

        Raises:
            BrokerDown: the connection was lost.
        """
        count = max(1, min(most, self._next_batch, BATCH_LETTERS, BATCH_BYTES // self._largest_bytes))
        self._next_batch = count * _GROWTH
        async with calling(self._call_seconds, f"reading {self._queue}"):
            held = await self._room()
            await held.channel.set_qos(count)
            queue = await held.channel.get_queue(self._queue, ensure=False)
            inbox: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()

            def closed(*_: object) -> None:
                inbox.put_nowait(None)

            held.channel.close_callbacks.add(closed)
            tag = await queue.consume(inbox.put, consumer_tag=f"look-{len(self._held):04}-{held.batches:04}")
            held.batches += 1
            held.kept += 1
        letters: list[AbstractIncomingMessage] = []
        with contextlib.suppress(TimeoutError):
            while len(letters) < count:
                letter = await asyncio.wait_for(inbox.get(), self._call_seconds)
                if letter is None:
                    raise BrokerDown(f"The broker broke off reading {self._queue}.", hint="Nothing is lost; try again.")
                letters.append(letter)
        held.channel.close_callbacks.discard(closed)
        async with calling(self._call_seconds, f"reading {self._queue}"):
            # It keeps what it holds, but gets no more for what is acked.
            await queue.cancel(tag)
        letters.sort(key=lambda letter: letter.delivery_tag or 0)
        for letter in letters:
            self._largest_bytes = max(self._largest_bytes, len(letter.body))
        self._left_of_batch = len(letters)
        return letters

    async def remove(self, letter: AbstractIncomingMessage) -> None:
        """Take a letter of the last batch off its queue for good.

        Raises:
            BrokerDown: the connection was lost; the letter is in the queue still.
        """
        async with calling(self._call_seconds, f"removing a letter from {self._queue}"):
            await letter.ack()
        self._left_of_batch -= 1
        if self._left_of_batch == 0:
            self._held[-1].kept -= 1

    async def give_back(self) -> None:
        """Return what is held; the queue is as it was when this ends. Never raises: a lost connection does it too."""
        still_kept = sum(held.kept for held in self._held)
        with contextlib.suppress(BrokerDown, TimeoutError, *CONNECTION_ERRORS):
            for held in self._held:
                async with calling(self._call_seconds, f"giving back to {self._queue}"):
                    await held.channel.close()
                still_kept -= held.kept
                # The broker answers before the letters are back; a look right after this one would miss some.
                await self._until_held_by(still_kept, patience_seconds=self._call_seconds)
            if self._counting is not None:
                await self._counting.close()

    async def _until_held_by(self, consumers: int, *, patience_seconds: float) -> None:
        """Wait until no more than so many consumers hold letters; a cancelled one counts while it has some."""
        give_up_at = time.monotonic() + patience_seconds
        while (await self._count())[1] > consumers and time.monotonic() < give_up_at:  # noqa: ASYNC110 - only by asking
            await asyncio.sleep(_POLL_SECONDS)

    async def _count(self) -> tuple[int, int]:
        """Letters that nobody holds, and consumers."""
        async with calling(self._call_seconds, f"counting {self._queue}"):
            if self._counting is None or self._counting.is_closed:
                self._counting = await self._connection.channel(publisher_confirms=False)
            try:
                queue = await self._counting.declare_queue(self._queue, passive=True)
            except ChannelNotFoundEntity:  # which has closed the channel
                return 0, 0
            found = queue.declaration_result
            return found.message_count or 0, found.consumer_count or 0

    async def _room(self) -> _Held:
        if not self._held or self._held[-1].batches >= _BATCHES_A_CHANNEL:
            self._held.append(_Held(await self._connection.channel(publisher_confirms=False)))
        return self._held[-1]
