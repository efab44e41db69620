"""Opens, wakes and ends any number of streams without stopping the event loop for as long as all of them take."""

from __future__ import annotations

import asyncio
from typing import Final

_AT_A_TIME: Final = 32
_AT_ONCE: Final = 4
_PAUSE_SECONDS: Final = 0.005
"""Between two portions: others are served meanwhile."""


class Wakes:
    """The streams that wait for one thing."""

    def __init__(self) -> None:
        self._wakes: set[asyncio.Event] = set()

    def __len__(self) -> int:
        return len(self._wakes)

    def add(self, wake: asyncio.Event) -> None:
        """Set this event when there is something."""
        self._wakes.add(wake)

    def discard(self, wake: asyncio.Event) -> None:
        """Set this event no more."""
        self._wakes.discard(wake)

    def all(self) -> None:
        """Wake all: the first ones now, the others soon, a portion at a time."""
        loop = asyncio.get_running_loop()
        for number, wake in enumerate(tuple(self._wakes)):
            if number < _AT_A_TIME:
                wake.set()
            else:
                loop.call_later(number // _AT_A_TIME * _PAUSE_SECONDS, wake.set)


class FewAtOnce:
    """Lets a few at a time go on, where many are ready in the same turn of the event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def turn(self) -> None:
        """Returns when it is the caller's turn; nothing has to be given back."""
        async with self._turns:
            await asyncio.sleep(0)
