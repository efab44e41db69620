"""One operator at a time at the dead-letter queues.

Looking at a dead-letter queue takes its messages for a moment, and meanwhile the queue looks empty to a second reader.
So everyone takes this lock first. It is an exclusive queue: the broker grants it to one connection and deletes it when
that connection ends, however it ends (a client that hangs is disconnected after three missed heartbeats), and it needs
no plugin. A process that has to wait asks the holder, through the same queue, who it is; question and answer go through
an exchange for operators, since no user may publish through the default exchange.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelLockedResource, ChannelNotFoundEntity

from shared.errors import Permanent
from shared.protocol import envelope
from shared.protocol.topology import OPERATOR_LOCK, OPERATORS_EXCHANGE
from shared.runtime.broker import calling
from shared.runtime.publishing import CONNECTION_ERRORS

WAIT_SECONDS: Final = 60.0
"""Longer than the broker needs to disconnect a holder that hangs (three heartbeats of 10 s)."""

_HOLDER: Final = "holder"
_NOBODY_KNOWN: Final = "a client that does not say who it is; if it hangs, the broker disconnects it within 30 s"
_RETRY_SECONDS: Final = 0.2
_ANSWER_SECONDS: Final = 1.0


class Busy(Permanent):
    """Another operator is using the dead letters and does not finish."""


@contextlib.asynccontextmanager
async def acquired(
    connection: AbstractConnection,
    *,
    doing: str,
    wait_seconds: float = WAIT_SECONDS,
    say: Callable[[str], None] = lambda _: None,
    call_seconds: float = 10.0,
) -> AsyncIterator[None]:
    """Hold the lock for the duration of the block.

    Args:
        connection: the lock is lost with it. After an error in the block, the lock is kept until then.
        doing: the purpose, shown to operators who wait.
        wait_seconds: how long to wait for another operator.
        say: called once with a message that names the holder.
        call_seconds: deadline of one call to the broker.

    Raises:
        Busy: another operator held it for longer than `wait_seconds`; the message says who and why.
        BrokerDown: the broker does not answer.
    """
    give_up_at = time.monotonic() + wait_seconds
    holder = ""
    while (lock := await _taken(connection, doing, call_seconds)) is None:
        if not holder:
            holder = await _holder(connection, call_seconds)
            say(f"Another operator is at the dead letters; waiting for {holder}.")
        if time.monotonic() >= give_up_at:
            holder = await _holder(connection, call_seconds)  # it may be the next one by now
            raise Busy(f"Another operator is at the dead letters: {holder}.", hint="Try again when that is done.")
        await asyncio.sleep(_RETRY_SECONDS)
    yield
    # Not after an error: the lock is then freed with the connection, whose end also returns the dead letters.
    with contextlib.suppress(TimeoutError, *CONNECTION_ERRORS):
        async with asyncio.timeout(call_seconds):
            await lock.cancel(_HOLDER)
            await lock.delete(if_unused=False, if_empty=False)
            await lock.channel.close()


async def _taken(connection: AbstractConnection, doing: str, call_seconds: float) -> AbstractQueue | None:
    """The queue that is the lock; None if another connection has it."""
    me = f"{_user()} on {socket.gethostname()}, process {os.getpid()}, {doing}, since {envelope.now()}"
    async with calling(call_seconds, "taking the operator's lock"):
        channel = await connection.channel(publisher_confirms=False)
        try:
            lock = await channel.declare_queue(OPERATOR_LOCK, exclusive=True)
        except ChannelLockedResource:  # which has also closed the channel
            return None

        async def answer(question: AbstractIncomingMessage) -> None:
            if question.reply_to:
                await operators.publish(aio_pika.Message(me.encode()), question.reply_to, mandatory=False)

        operators = await channel.get_exchange(OPERATORS_EXCHANGE, ensure=False)
        if await _can_talk(connection):
            await lock.bind(operators, routing_key=OPERATOR_LOCK)
        await lock.consume(answer, no_ack=True, consumer_tag=_HOLDER)
        return lock


async def _holder(connection: AbstractConnection, call_seconds: float) -> str:
    """The holder's description of itself."""
    if not await _can_talk(connection):
        return _NOBODY_KNOWN
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def hear(answer: AbstractIncomingMessage) -> None:
        if not answered.done():
            answered.set_result(answer.body.decode("utf-8", "replace"))

    async with (
        calling(call_seconds, "asking who has the operator's lock"),
        connection.channel(publisher_confirms=False) as channel,
    ):
        operators = await channel.get_exchange(OPERATORS_EXCHANGE, ensure=False)
        replies = await channel.declare_queue(exclusive=True)
        await replies.bind(operators, routing_key=replies.name)
        await replies.consume(hear, no_ack=True)
        question = aio_pika.Message(b"", reply_to=replies.name, expiration=_ANSWER_SECONDS)
        await operators.publish(question, OPERATOR_LOCK, mandatory=False)
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(answered, _ANSWER_SECONDS)
        return _NOBODY_KNOWN


async def _can_talk(connection: AbstractConnection) -> bool:
    """Whether there is an exchange for operators; not where no service of this version has been yet."""
    async with connection.channel(publisher_confirms=False) as channel:
        try:
            await channel.get_exchange(OPERATORS_EXCHANGE, ensure=True)
        except ChannelNotFoundEntity:  # which has closed the channel
            return False
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a user id that has no name
        return f"user {os.getuid()}"
