"""How many feeds are polled at a time: few at one host, and few of those whose last poll failed.

So feeds that hang, however many there are, never take the places of the others.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from typing import Final

from services.feeds.fetching import is_failing
from shared.client.feeds.model import Feed
from shared.host_turns import HostBusy, HostTurns

_AT_A_HOST: Final = 2
"""As browsers did when servers were slow: enough for a thousand feeds of one host an hour."""
_NAME: Final = "feeds that failed"
_PAUSE_SECONDS: Final = (10.0, 50.0)
"""How long a poll that finds no place waits: it must not come back at once, since looking for a place takes one."""


class PollTurns:
    """The places of one process.

    Args:
        slots: of the service; a quarter of them are for feeds whose last poll failed.
    """

    def __init__(self, slots: int) -> None:
        self._hosts = HostTurns(slots, at_a_time=_AT_A_HOST)
        self._failing = HostTurns(slots, patience_seconds=0.01)

    @contextlib.asynccontextmanager
    async def of(self, feed: Feed) -> AsyncIterator[None]:
        """Poll this feed meanwhile.

        Raises:
            HostBusy: there is no place; the message waits.
        """
        async with contextlib.AsyncExitStack() as turns:
            try:
                if is_failing(feed):
                    await turns.enter_async_context(self._failing.named(_NAME))
                await turns.enter_async_context(self._hosts.of(feed.url))
            except HostBusy as busy:
                busy.retry_after_seconds = random.uniform(*_PAUSE_SECONDS)  # noqa: S311 - spreads polls, hides nothing
                raise
            yield
