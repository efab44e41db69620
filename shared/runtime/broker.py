"""Clients of the broker: a plain connection, and one call over it, each with one error for all the ways it can fail."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aio_pika

from shared.deadlines import deadline
from shared.errors import BrokerDown
from shared.runtime import frames
from shared.runtime.publishing import CONNECTION_ERRORS
from shared.settings import Settings

frames.harden()  # here, since everything that connects to the broker imports this module

HEARTBEAT_SECONDS = 10
"""A broker that hangs is noticed after three heartbeats; the library's default of 60 would take minutes."""


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
    """A plain connection to the broker, for declarations and for clients.

    Raises:
        BrokerDown: nobody answers, or the credentials are refused.
    """
    seconds = settings.connect_timeout_seconds
    try:
        async with deadline(seconds, "connecting to the broker", error=BrokerDown):
            connection = await aio_pika.connect(settings.amqp_url, timeout=seconds, heartbeat=HEARTBEAT_SECONDS)
    except CONNECTION_ERRORS as error:
        raise BrokerDown(
            f"The broker cannot be reached: {error or type(error).__name__}.",
            hint="Check that RabbitMQ runs and that PODCAST_AMQP_URL is right.",
        ) from error
    try:
        yield connection
    finally:
        with contextlib.suppress(TimeoutError, *CONNECTION_ERRORS):
            async with asyncio.timeout(seconds):
                await connection.close()


@contextlib.asynccontextmanager
async def calling(seconds: float, doing: str) -> AsyncIterator[None]:
    """Run a call, or a few related calls.

    Args:
        seconds: the overall limit.
        doing: what the call does, for the error message.

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
