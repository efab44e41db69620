"""The dead letters for one request: a connection of its own, given back when its work is done or its client is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.gateway import deadlines
from services.gateway.access import caller
from services.gateway.backend import backend
from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.operator_lock import Busy
from shared.runtime.broker import connected
from shared.store.port import Store
from shared.text import one_line

Result = TypeVar("Result")

WAIT_SECONDS: Final = 2.0
"""How long a request waits for another operator; the client may try again."""
_AT_A_TIME: Final = 4
"""Requests of this gateway that wait or work; each has a connection to the broker."""


class Operators:
    """Limits how many requests are at the dead letters, or wait for them."""

    def __init__(self) -> None:
        self._present = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Be one of them.

        Raises:
            Busy: there are too many.
        """
        if self._present >= _AT_A_TIME:
            raise Busy("Several operators are waiting for the dead letters.", hint="Try again when they have finished.")
        self._present += 1
        try:
            yield
        finally:
            self._present -= 1


async def at_the_letters(request: Request, work: Callable[[DeadLetters], Awaitable[Result]]) -> Result:
    """Do something with the dead letters, for as long as the client is there.

    If it goes away or the time is up, the letter in progress is finished, and all others return to their queues.

    Raises:
        Busy: another operator is using them.
        BrokerDown: the broker does not answer.
        ClientDisconnect: the client is gone.
    """
    found = backend(request)
    who = caller(request)
    operators: Operators = request.app.state.operators

    async def store() -> Store:
        return found.store

    async def working() -> Result:
        async with operators.turn(), connected(found.settings) as connection:
            letters = DeadLetters(
                connection,
                call_seconds=found.settings.publish_deadline_seconds,
                wait_seconds=WAIT_SECONDS,
                for_whom=f"{one_line(who.name)} ({who.key_id}), over HTTP",
                store=store,
            )
            return await work(letters)

    deadlines.allow(request, found.settings.gateway_operation_seconds)
    doing = asyncio.ensure_future(working())
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        leaving.cancel()
        doing.cancel()
        await asyncio.wait({doing, leaving})
        if not doing.cancelled():
            doing.exception()  # taken note of


async def _left(request: Request) -> None:
    """Return when the client is gone; the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
