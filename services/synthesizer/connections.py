"""HTTP connections that are kept between calls, without leaking any.

httpcore forgets connections in its pool whose request was cancelled at the wrong moment (encode/httpcore #1093, open):
they stay open and are never used again. Deadlines cancel, so a client is retired when one of its calls was cancelled:
new calls get a new client, and the old one is closed, with all its connections, when its last call has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

CLOSE_SECONDS = 1.0
"""Time to close a retired client; what is not closed by then is left to the garbage collector."""


@dataclass(eq=False)
class _Lease:
    client: httpx.AsyncClient
    calls: int = 0
    retired: bool = False


class Connections:
    """Lends an HTTP client to concurrent calls.

    Args:
        make_client: makes a client; called again after a call was cancelled.
    """

    def __init__(self, make_client: Callable[[], httpx.AsyncClient]) -> None:
        self._make_client = make_client
        self._current = _Lease(make_client())

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """The client for one call."""
        if self._current.retired:
            self._current = _Lease(self._make_client())
        lease = self._current
        lease.calls += 1
        try:
            yield lease.client
        except asyncio.CancelledError:
            lease.retired = True
            raise
        finally:
            lease.calls -= 1
            if lease.retired and not lease.calls:
                await _close(lease.client)

    async def close(self) -> None:
        """Close what is still open."""
        await _close(self._current.client)


async def _close(client: httpx.AsyncClient) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.aclose()
