"""Letters taken from a dead-letter queue to be looked at, and given back in their order.

How they keep their order (docs/adr/0008-dead-letters.md has the measurements): what one consumer holds goes back in the
order of delivery when its *channel ends*, by close or by kill. It does not when more than 32 letters are returned with
`basic.nack`, nor when letters that were fetched with `basic.get` come back from a killed client. So letters are
consumed in batches, a consumer each, and given back by closing the channel.
"""

from __future__ import annotations

import asyncio
import contextlib
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
_POLL_SECONDS: Final = 0.005


@dataclass
class _Held:
    channel: AbstractChannel
    letters: int = 0
    batches: int = 0


class Shelf:
    """Holds letters of one dead-letter queue for a while."""

    def __init__(self, connection: AbstractConnection, queue: str, *, call_seconds: float) -> None:
        self._connection = connection
        self._queue = queue
        self._call_seconds = call_seconds
        self._counting: AbstractChannel | None = None
        self._held: list[_Held] = []
        self._next_batch = _FIRST_BATCH_LETTERS
        self._largest_bytes = _SMALL_LETTER_BYTES

    async def waiting(self) -> int:
        """How many letters are in the queue and not held by anyone; 0 if there is no such queue.

        Raises:
            BrokerDown: the broker does not answer.
        """
        async with calling(self._call_seconds, f"counting {self._queue}"):
            if self._counting is None or self._counting.is_closed:
                self._counting = await self._connection.channel(publisher_confirms=False)
            try:
                found = await self._counting.declare_queue(self._queue, passive=True)
            except ChannelNotFoundEntity:  # which has closed the channel
                return 0
            return found.declaration_result.message_count or 0

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
        letters: list[AbstractIncomingMessage] = []
        with contextlib.suppress(TimeoutError):
            while len(letters) < count:
                letter = await asyncio.wait_for(inbox.get(), self._call_seconds)
                if letter is None:
                    raise BrokerDown(f"The broker broke off reading {self._queue}.", hint="Nothing is lost; try again.")
                letters.append(letter)
                held.letters += 1
        held.channel.close_callbacks.discard(closed)
        async with calling(self._call_seconds, f"reading {self._queue}"):
            # It keeps what it holds, but gets no more for what is acked.
            await queue.cancel(tag)
        letters.sort(key=lambda letter: letter.delivery_tag or 0)
        for letter in letters:
            self._largest_bytes = max(self._largest_bytes, len(letter.body))
        return letters

    async def remove(self, letter: AbstractIncomingMessage) -> None:
        """Take a letter of the last batch off its queue for good.

        Raises:
            BrokerDown: the connection was lost; the letter is in the queue still.
        """
        async with calling(self._call_seconds, f"removing a letter from {self._queue}"):
            await letter.ack()
        self._held[-1].letters -= 1

    async def give_back(self) -> None:
        """Return what is held; the queue is as it was when this ends. Never raises: a lost connection does it too."""
        with contextlib.suppress(BrokerDown, TimeoutError, *CONNECTION_ERRORS):
            for held in self._held:
                async with calling(self._call_seconds, f"giving back to {self._queue}"):
                    expected = await self.waiting() + held.letters
                    await held.channel.close()
                    # The broker answers before the letters are back; a look right after this one would miss some.
                    while await self.waiting() < expected:  # noqa: ASYNC110 - only the broker knows, and only asked
                        await asyncio.sleep(_POLL_SECONDS)
            if self._counting is not None:
                await self._counting.close()

    async def _room(self) -> _Held:
        if not self._held or self._held[-1].batches >= _BATCHES_A_CHANNEL:
            self._held.append(_Held(await self._connection.channel(publisher_confirms=False)))
        return self._held[-1]
