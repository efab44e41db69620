"""Stops and starts the consumer of a service as the state of its queue in the store says.

Messages that are being handled are finished, and those that wait for a slot are handed back; all others stay in the
queue, where no deadline runs. What is retried meanwhile comes back to the queue and stays there too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from shared.errors import BrokerDown, StoreDown
from shared.runtime.broker import calling
from shared.store import queue_states
from shared.store.port import Store

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 2.0
"""How long a consumer goes on after its queue was paused, at most, if the store answers."""


class Pausing:
    """Whether a service's queue is paused; looks again and again.

    Attributes:
        is_paused: whether its consumer is stopped; while the service starts, whether it must not begin to consume.
    """

    def __init__(
        self,
        store: Store,
        queue: str,
        *,
        stop: Callable[[], Awaitable[None]],
        start: Callable[[], Awaitable[None]],
        call_seconds: float,
    ) -> None:
        self.is_paused = False
        self._is_settled = True
        self._store = store
        self._queue = queue
        self._stop = stop
        self._start = start
        self._call_seconds = call_seconds

    async def begin(self) -> None:
        """Find out whether the queue is paused, before the consumer is started.

        Raises:
            StoreDown: the store does not answer.
        """
        self.is_paused = await self._wanted()
        if self.is_paused:
            log.info("paused")

    async def keep(self) -> None:
        """Stop and start the consumer, as long as the process runs. While the store is down, all stays as it is."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except (StoreDown, BrokerDown) as error:
                log.warning("could not pause or resume", reason=str(error))

    async def _look(self) -> None:
        wanted = await self._wanted()
        if wanted == self.is_paused and self._is_settled:
            return
        self._is_settled = False  # a call that fails may have stopped or started it all the same
        async with calling(self._call_seconds, f"{'stopping' if wanted else 'starting'} the consumer"):
            await (self._stop() if wanted else self._start())
        self.is_paused, self._is_settled = wanted, True
        log.info("paused" if wanted else "resumed")

    async def _wanted(self) -> bool:
        return (await queue_states.read(self._store, self._queue)).is_paused
