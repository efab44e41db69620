"""Takes dead letters from their queue to look at them, and returns them in order.

RabbitMQ appends returned messages to a separate list, which it serves before the queue. So the order is kept if all
messages are taken and returned in one sequence (docs/adr/0008-dead-letters.md has the measurements). What a consumer
holds is returned in sequence when its *channel ends*, whether closed or killed; with `basic.nack` the order is lost for
more than about 32 messages. So the queue is consumed to the end, in batches with one consumer each, and the messages
are returned by closing the channel.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.errors import BrokerDown
from shared.runtime.broker import calling
from shared.runtime.publishing import CONNECTION_ERRORS

HELD_BYTES: Final = 32_000_000
"""About how much is in memory at a time, at worst twice as much; the broker also loads a whole batch."""

_FIRST_BATCH_LETTERS: Final = 8
_BATCH_LETTERS: Final = 10_000
_GROWTH: Final = 8
"""A batch is at most this many times as large as the previous one, since sizes are only known afterwards."""
_SMALL_LETTER_BYTES: Final = 2_000

_BATCHES_A_CHANNEL: Final = 30
"""When a channel ends, RabbitMQ processes its consumers in the order of their tags only up to 32 of them."""
_OTHERS_SECONDS: Final = 2.0
"""How long to wait for other consumers before continuing without what they hold."""
_POLL_SECONDS: Final = 0.005


class QueueReader:
    """Holds, for a while, the messages that are in a dead-letter queue when it is opened.

    Cancelling a call closes its channel and so returns some of the messages, which changes their order: shield it.
    """

    def __init__(self, connection: AbstractConnection, queue: str, *, call_seconds: float) -> None:
        self._connection = connection
        self._queue = queue
        self._call_seconds = call_seconds
        self._counting: AbstractChannel | None = None
        self._channels: list[AbstractChannel] = []
        self._held: dict[str, int] = {}
        """Batch → number of its messages that are held; its consumer exists as long as there are any."""
        self._untaken = 0
        self._next_batch = _FIRST_BATCH_LETTERS
        self._largest_bytes = _SMALL_LETTER_BYTES

    async def open(self) -> None:
        """Count the dead letters; none if there is no such queue.

        Raises:
            BrokerDown: the broker does not answer.
        """
        # The previous operator may have just been killed, and its messages may still be on their way back.
        await self._until_held_by(0, patience_seconds=_OTHERS_SECONDS)
        self._untaken, _ = await self._count()

    async def take(self) -> list[AbstractIncomingMessage]:
        """The next dead letters in order: all that remain, or as many as fit into memory; empty after the last.

        Raises:
            BrokerDown: the connection was lost.
        """
        letters: list[AbstractIncomingMessage] = []
        size_bytes = 0
        while self._untaken > 0 and size_bytes < HELD_BYTES:
            batch = await self._batch(
                max(1, min(self._untaken, self._next_batch, _BATCH_LETTERS, HELD_BYTES // self._largest_bytes))
            )
            # The batch is empty if somebody without the lock took the messages.
            self._untaken = self._untaken - len(batch) if batch else 0
            self._next_batch = len(batch) * _GROWTH
            self._largest_bytes = max(self._largest_bytes, *(len(letter.body) for letter in batch), 0)
            size_bytes += sum(len(letter.body) + _SMALL_LETTER_BYTES for letter in batch)
            letters += batch
        return letters

    async def remove(self, letter: AbstractIncomingMessage) -> None:
        """Remove a dead letter from its queue permanently.

        Raises:
            BrokerDown: the connection was lost; the dead letter is still in the queue.
        """
        async with calling(self._call_seconds, f"removing a letter from {self._queue}"):
            await letter.ack()
        self._held[letter.consumer_tag or ""] -= 1

    async def give_back(self) -> None:
        """Return what is held, so that the queue is as before. Never raises: a lost connection has the same effect."""
        with contextlib.suppress(BrokerDown, TimeoutError, *CONNECTION_ERRORS):
            while await self.take():  # the order is kept only if every message is taken
                pass
            # A channel passes about 32 acks on to a quorum queue at a time and keeps the rest until the queue has
            # answered; those would be lost with the channel. A batch that was removed as a whole is gone when its
            # consumer is.
            await self._until_held_by(
                sum(held > 0 for held in self._held.values()), patience_seconds=self._call_seconds
            )
            for number, channel in enumerate(self._channels):
                async with calling(self._call_seconds, f"giving back to {self._queue}"):
                    await channel.close()
                # The broker confirms before the messages are back; an immediate second look would miss some.
                later = sum(held > 0 for batch, held in self._held.items() if batch >= _tag(number + 1, 0))
                await self._until_held_by(later, patience_seconds=self._call_seconds)
            if self._counting is not None:
                await self._counting.close()

    async def _batch(self, count: int) -> list[AbstractIncomingMessage]:
        inbox: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()

        def closed(*_: object) -> None:
            inbox.put_nowait(None)

        async with calling(self._call_seconds, f"reading {self._queue}"):
            if len(self._held) % _BATCHES_A_CHANNEL == 0:
                self._channels.append(await self._connection.channel(publisher_confirms=False))
            channel = self._channels[-1]
            channel.close_callbacks.add(closed)
            await channel.set_qos(count)
            queue = await channel.get_queue(self._queue, ensure=False)
            tag = _tag(len(self._channels) - 1, len(self._held))
            self._held[tag] = count
            await queue.consume(inbox.put, consumer_tag=tag)
        letters: list[AbstractIncomingMessage] = []
        with contextlib.suppress(TimeoutError):
            while len(letters) < count:
                letter = await asyncio.wait_for(inbox.get(), self._call_seconds)
                if letter is None:
                    raise BrokerDown(f"The broker broke off reading {self._queue}.", hint="Nothing is lost; try again.")
                letters.append(letter)
        async with calling(self._call_seconds, f"reading {self._queue}"):
            # The consumer keeps what it holds, but gets nothing new in place of what is acked.
            await queue.cancel(tag)
        channel.close_callbacks.discard(closed)
        self._held[tag] = len(letters)
        return sorted(letters, key=lambda letter: letter.delivery_tag or 0)

    async def _until_held_by(self, consumers: int, *, patience_seconds: float) -> None:
        """Wait until at most this many consumers hold messages; a cancelled one counts as long as it holds any."""
        give_up_at = time.monotonic() + patience_seconds
        while (await self._count())[1] > consumers and time.monotonic() < give_up_at:  # noqa: ASYNC110 - only by asking
            await asyncio.sleep(_POLL_SECONDS)

    async def _count(self) -> tuple[int, int]:
        """The number of messages that nobody holds, and of consumers."""
        async with calling(self._call_seconds, f"counting {self._queue}"):
            if self._counting is None or self._counting.is_closed:
                self._counting = await self._connection.channel(publisher_confirms=False)
            try:
                queue = await self._counting.declare_queue(self._queue, passive=True)
            except ChannelNotFoundEntity:  # which has closed the channel
                return 0, 0
            found = queue.declaration_result
            return found.message_count or 0, found.consumer_count or 0


def _tag(channel: int, batch: int) -> str:
    """The consumer's tag; tags sort in the order of their batches."""
    return f"look-{channel:05}-{batch:06}"
