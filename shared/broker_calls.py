"""One call of a client to the broker: under a deadline, and with one error for all the ways it can fail."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from shared.deadlines import deadline
from shared.errors import BrokerDown
from shared.publishing import CONNECTION_ERRORS


@contextlib.asynccontextmanager
async def calling(seconds: float, doing: str) -> AsyncIterator[None]:
    """Run a call, or a few that belong together.

    Args:
        seconds: the overall limit.
        doing: what the call does, for the error's sentence.

    Raises:
        BrokerDown: no answer in time, or the connection is gone.
    """
    try:
        async with deadline(seconds, doing, error=BrokerDown):
            yield
    except CONNECTION_ERRORS as error:
        raise BrokerDown(
            f"The broker broke off {doing}: {error or type(error).__name__}.", hint="Nothing is lost; try again."
        ) from error
