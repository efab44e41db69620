"""Keeps one slow host from occupying every slot: only so many calls to a host at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from shared.deadlines import deadline
from shared.errors import Outage

_SHARE: Final = 4
_PATIENCE_SECONDS: Final = 0.5
"""A host that answers quickly has made room by then; messages for one that does not must not hold slots."""


class HostBusy(Outage):
    """This host has enough of our calls at the moment; the message waits, and the attempt does not count."""


@dataclass
class _Host:
    turn: asyncio.Semaphore
    users: int = 0


class HostTurns:
    """How many calls to each host are under way.

    Args:
        slots: of the service; a host may have a quarter of them, and at least one.
        at_a_time: how many a host may have instead; None: a quarter of the slots.
        patience_seconds: how long a call waits for its turn before its message goes to a wait queue.
    """

    def __init__(
        self, slots: int, *, at_a_time: int | None = None, patience_seconds: float = _PATIENCE_SECONDS
    ) -> None:
        self._limit = max(1, slots // _SHARE) if at_a_time is None else at_a_time
        self._patience_seconds = patience_seconds
        self._hosts: dict[str, _Host] = {}

    @contextlib.asynccontextmanager
    async def of(self, url: str) -> AsyncIterator[None]:
        """Call this address meanwhile.

        Raises:
            HostBusy: its host had no turn free in time.
        """
        async with self.named(urlsplit(url).hostname or ""):
            yield

    @contextlib.asynccontextmanager
    async def named(self, name: str) -> AsyncIterator[None]:
        """Call meanwhile whatever has this name.

        Raises:
            HostBusy: it had no turn free in time.
        """
        host = self._hosts.setdefault(name, _Host(asyncio.Semaphore(self._limit)))
        host.users += 1
        try:
            async with deadline(self._patience_seconds, f"Waiting for a turn at {name}", error=HostBusy):
                await host.turn.acquire()
            try:
                yield
            finally:
                host.turn.release()
        finally:
            host.users -= 1
            if not host.users:
                del self._hosts[name]
