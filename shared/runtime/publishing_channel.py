"""The channel that a process publishes on, replaced when the broker has not taken a message on it.

RabbitMQ (seen on 3.10) remembers for each channel which node leads a queue. A channel whose first message to a queue
comes while the leader is lost and no other has been elected refuses that message, and then every further one to this
queue, for ever, although all other channels have it taken. A channel that has published to a leader whose node is then
cut off goes on sending to that node, and confirms nothing. So a channel is replaced after a refusal, and after a
message that was not confirmed within its deadline. A refusal is also how a full queue answers; then a new channel
changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import DeliveryError, PublishError

from shared.errors import BrokerDown
from shared.runtime.publishing import CONNECTION_ERRORS

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 1.0
"""At most one replacement in this time, however many messages are refused."""
_KEPT_SECONDS: Final = 15.0
"""What was published on a replaced channel may still be confirmed."""


class PublishingChannel:
    """Publishes on a connection, for `shared.runtime.publishing.Publisher`."""

    def __init__(self) -> None:
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._replaced_at = 0.0
        self._closing: set[asyncio.Task[None]] = set()

    def use(self, connection: AbstractConnection | None) -> None:
        """Publish on this connection from now on; None: there is none."""
        self._connection, self._channel = connection, None

    async def send(self, message: aio_pika.Message, exchange: str, routing_key: str, mandatory: bool) -> None:
        """Publish; returns when the broker has confirmed it.

        Raises:
            BrokerDown: there is no connection.
            DeliveryError: the broker has refused it, or there is no queue for it.
        """
        channel = await self._opened()
        target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
        try:
            await target.publish(message, routing_key, mandatory=mandatory)
        except PublishError:  # no queue for it
            raise
        except DeliveryError:
            self._replace(channel, routing_key, "refused")
            raise
        except asyncio.CancelledError:  # the deadline of whoever publishes
            self._replace(channel, routing_key, "not confirmed in time")
            raise

    async def _opened(self) -> AbstractChannel:
        async with self._opening:
            if self._connection is None:
                raise BrokerDown("The broker is not connected.", hint="Try again in a moment.")
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            return self._channel

    def _replace(self, channel: AbstractChannel, routing_key: str, outcome: str) -> None:
        if self._channel is not channel or time.monotonic() - self._replaced_at < _PAUSE_SECONDS:
            return
        log.warning("the broker did not take a message; a new channel", routing_key=routing_key, outcome=outcome)
        self._channel, self._replaced_at = None, time.monotonic()
        closing = asyncio.create_task(_close_later(channel))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close_later(channel: AbstractChannel) -> None:
    await asyncio.sleep(_KEPT_SECONDS)
    with contextlib.suppress(TimeoutError, *CONNECTION_ERRORS):
        async with asyncio.timeout(_KEPT_SECONDS):
            await channel.close()
