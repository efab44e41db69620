"""Clients of the broker: a plain connection, and one call over it, each with one error for all the ways it can fail."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from shared import tls
from shared.addresses import without_login
from shared.deadlines import deadline
from shared.errors import BrokerDown
from shared.protocol import topology
from shared.runtime import frames
from shared.runtime.broker_addresses import addresses
from shared.runtime.publishing import CONNECTION_ERRORS
from shared.settings import Settings

log = structlog.get_logger(__name__)

frames.harden()  # here, since everything that connects to the broker imports this module

HEARTBEAT_SECONDS = 10
"""A broker that hangs is noticed after three heartbeats; the library's default of 60 would take minutes."""


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
    """A plain connection to the broker, for declarations and for clients.

    Raises:
        BrokerDown: nobody answers, or the credentials are refused.
    """
    connection = await _first_that_answers(settings)
    try:
        yield connection
    finally:
        with contextlib.suppress(TimeoutError, *CONNECTION_ERRORS):
            async with asyncio.timeout(settings.connect_timeout_seconds):
                await connection.close()


_answered: dict[str, str] = {}
"""Setting → the node that answered last, so that a node that is down costs this process one time-out and no more."""


async def _first_that_answers(settings: Settings) -> aio_pika.abc.AbstractConnection:
    nodes = addresses(settings.amqp_url)
    nodes.sort(key=lambda node: node != _answered.get(settings.amqp_url))
    *others, last = nodes
    for node in others:
        with contextlib.suppress(BrokerDown):
            return await _connect(node, settings)
    return await _connect(last, settings)


async def _connect(node: str, settings: Settings) -> aio_pika.abc.AbstractConnection:
    seconds = settings.connect_timeout_seconds
    try:
        async with deadline(seconds, "connecting to the broker", error=BrokerDown):
            connection = await aio_pika.connect(
                node, timeout=seconds, heartbeat=HEARTBEAT_SECONDS, ssl_context=ssl_context(node, settings)
            )
    except CONNECTION_ERRORS as error:
        message, hint = tls.problem(error, f"the broker at {without_login(node)}") or (
            f"The broker cannot be reached: {error or type(error).__name__}.",
            "Check that RabbitMQ runs and that PODCAST_AMQP_URL is right.",
        )
        raise BrokerDown(message, hint=hint) from error
    _answered[settings.amqp_url] = node
    return connection


def ssl_context(amqp_url: str, settings: Settings) -> ssl.SSLContext | None:
    """What verifies the broker's certificate; None for an address without TLS.

    Raises:
        Misconfigured: PODCAST_CA_FILE has no certificate in it.
    """
    return tls.trusting(settings.ca) if amqp_url.lstrip().startswith("amqps:") else None


async def prepare(connection: AbstractConnection, settings: Settings) -> None:
    """Make sure that exchanges and queues are there: declare them, or look for them if the user may not.

    Args:
        connection: to the broker.
        settings: whether to try to declare them.

    Raises:
        BrokerDown: the user may not declare them, and one is missing.
    """
    if settings.declare_topology:
        try:
            await topology.declare(connection)
        except ChannelAccessRefused as refused:
            log.info("this user may declare nothing; PODCAST_DECLARE_TOPOLOGY=false says so", reason=str(refused))
        else:
            return
    with _found():
        await topology.verify(connection)


async def prepare_event_log(connection: AbstractConnection, settings: Settings) -> None:
    """Make sure that the log of changes of state is there: whoever reads it may declare it, even if nothing else.

    Args:
        connection: to the broker.
        settings: whether to try to declare also what it is bound to.

    Raises:
        BrokerDown: the log is missing, or not back yet after a restart of the broker.
    """
    with _found():
        for alone in (False, True) if settings.declare_topology else (True,):
            with contextlib.suppress(ChannelAccessRefused):
                return await topology.declare_event_log(connection, alone=alone)
        return await topology.verify_event_log(connection)  # the rights are older than the reader's to declare it


@contextlib.contextmanager
def _found() -> Iterator[None]:
    try:
        yield
    except ChannelNotFoundEntity as error:
        raise BrokerDown(
            f"The broker has not everything that is needed, and this user may declare nothing: {error}.",
            hint="Import the definitions made by `podcast deploy init` into the broker, or run its provisioning.",
        ) from error


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
