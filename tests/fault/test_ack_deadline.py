"""The broker's own deadline is the last one: it must never be the first to fire."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from shared.protocol import envelope, topology
from shared.protocol.messages import ChunkRequested
from shared.runtime.service import Service
from shared.runtime.timeout_budget import check
from shared.settings import Settings
from tests.integration.running import letters, request, running
from tests.servers.rabbitmq import RabbitServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

ACK_DEADLINE_SECONDS = 110.0
"""As short as the nesting of deadlines allows: handler, publishing and margin must fit into it."""
TICK_SECONDS = 1.0
"""How often the broker checks; 60 s by default."""


@pytest.fixture
def strict_broker(tmp_path: Path) -> Iterator[RabbitServer]:
    server = RabbitServer(
        tmp_path / "broker", ack_deadline_seconds=ACK_DEADLINE_SECONDS, channel_tick_seconds=TICK_SECONDS
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


async def test_a_handler_that_hangs_is_ended_long_before_the_broker_would_and_a_consumer_without_deadlines_is_not(
    strict_broker: RabbitServer, file_store_url: str
) -> None:
    url = strict_broker.vhost()
    settings = Settings(
        amqp_url=url,
        store_url=file_store_url,
        attempts_limit=1,
        speech_deadline_seconds=1,
        fetch_deadline_seconds=1,
        store_deadline_seconds=1,
        publish_deadline_seconds=1,
        chunker_deadline_seconds=10,
        coordinator_deadline_seconds=10,
        synthesizer_deadline_seconds=10,
        assembler_deadline_seconds=10,
        webhook_deadline_seconds=1,
        webhooks_deadline_seconds=10,
        feed_fetch_deadline_seconds=1,
        feeds_deadline_seconds=10,
        ack_margin_seconds=30,
        broker_ack_deadline_seconds=ACK_DEADLINE_SECONDS,
    )
    check(settings)
    service = Service(settings, topology.SYNTHESIZER, slots=2, deadline_seconds=settings.synthesizer_deadline_seconds)

    @service.on(ChunkRequested)
    async def hang(message: ChunkRequested) -> None:
        del message
        await asyncio.Event().wait()

    async def take(message: AbstractIncomingMessage) -> None:
        """Take a message and never ack it."""

    async def old_pattern() -> None:
        """A consumer that waits for its work without a deadline: the broker closes its channel."""
        closed = asyncio.Event()
        connection = await aio_pika.connect(url)
        async with connection:
            channel = await connection.channel()
            channel.close_callbacks.add(lambda *_: closed.set())
            queue = await channel.declare_queue("patient", durable=True, arguments={"x-queue-type": "quorum"})
            await channel.default_exchange.publish(aio_pika.Message(b"work"), "patient")
            await queue.consume(take)
            async with asyncio.timeout(ACK_DEADLINE_SECONDS + 30):
                await closed.wait()

    async def ours() -> None:
        async with running(service) as app:
            for index in range(4):
                await app.publish(request(index))
            found = await letters(settings, topology.SYNTHESIZER.dead, 4)
            assert {letter.headers[envelope.EXCEPTION_TYPE] for letter in found} == {"DeadlineExceeded"}
            # Wait for the broker's deadline, so that it would have fired for them.
            await asyncio.sleep(ACK_DEADLINE_SECONDS)

    await asyncio.gather(ours(), old_pattern())
    log = strict_broker.log.read_text().splitlines()
    closed = [line for line in log if "precondition_failed" in line and "delivery acknowledgement" in line]
    assert len(closed) == 1, "the broker's deadline fired for the patient consumer, and for nobody else"
