"""The gateway's connection to the broker: one at a time, opened again when it is lost.

Requests never wait for it: a message that cannot be published fails at once with `BrokerDown`, and `/readyz` says why.
What has to follow the connection (the event hub) registers with `on_connect`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection

from shared.errors import BrokerDown, StoreDown
from shared.runtime.broker import calling, connected, prepare
from shared.runtime.publishing import CONNECTION_ERRORS
from shared.runtime.publishing_channel import PublishingChannel
from shared.settings import Settings

log = structlog.get_logger(__name__)

_DECLARE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 5.0

OnConnect = Callable[[AbstractConnection], Awaitable[None]]


class BrokerLink:
    """Keeps a connection to the broker.

    Attributes:
        on_connect: called with each new connection, in order; a failure counts as a lost connection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: AbstractConnection | None = None
        self._publishing = PublishingChannel()
        self._trouble = "The broker is not connected yet."
        self.on_connect: list[OnConnect] = []

    def trouble(self) -> str:
        """Why nothing can be published now; "" if it can."""
        return self._trouble

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        pause_seconds = _PAUSE_SECONDS
        while True:
            try:
                async with connected(self._settings) as connection:
                    lost = asyncio.Event()
                    connection.close_callbacks.add(lambda *_, lost=lost: lost.set())
                    async with calling(_DECLARE_SECONDS, "declaring the queues"):
                        await prepare(connection, self._settings)
                    for hook in self.on_connect:
                        await hook(connection)
                    self._connection, self._trouble = connection, ""
                    self._publishing.use(connection)
                    log.info("connected to the broker")
                    pause_seconds = _PAUSE_SECONDS
                    await lost.wait()
                    self._forget("The connection to the broker is lost.")
            except (BrokerDown, StoreDown, *CONNECTION_ERRORS) as error:
                self._forget(str(error) or type(error).__name__)
            finally:
                self._disconnected()
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _disconnected(self) -> None:
        self._connection = None
        self._publishing.use(None)

    def _forget(self, reason: str) -> None:
        if reason != self._trouble:
            log.warning("not connected to the broker", reason=reason)
        self._disconnected()
        self._trouble = reason

    async def channel(self) -> AbstractChannel:
        """A channel of its own, to ask the broker something; whoever gets it closes it.

        Raises:
            BrokerDown: there is no connection.
        """
        if self._connection is None:
            raise BrokerDown(self._trouble or "The broker is not connected.", hint="Try again in a moment.")
        return await self._connection.channel()

    async def send(self, message: aio_pika.Message, exchange: str, routing_key: str, mandatory: bool) -> None:
        """Publish; returns when the broker has confirmed it. For `shared.runtime.publishing.Publisher`.

        Raises:
            BrokerDown: there is no connection.
        """
        if self._connection is None:
            raise BrokerDown(self._trouble or "The broker is not connected.", hint="Try again in a moment.")
        await self._publishing.send(message, exchange, routing_key, mandatory)
