"""A channel on which the broker has not taken a message is replaced; one that has no queue for a message is not."""

from __future__ import annotations

import asyncio

import aio_pika
import pytest
from aio_pika.exceptions import DeliveryError, PublishError

from shared.errors import BrokerDown
from shared.runtime import publishing_channel
from shared.runtime.broker import connected
from shared.runtime.publishing_channel import PublishingChannel
from shared.settings import Settings
from tests.servers.rabbitmq import RabbitServer


async def test_a_refused_message_costs_the_channel_and_an_unroutable_one_does_not(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing_channel, "_PAUSE_SECONDS", 0.0)
    publishing = PublishingChannel()
    with pytest.raises(BrokerDown, match="not connected"):
        await publishing.send(aio_pika.Message(b""), "", "full", mandatory=True)
    async with connected(Settings(amqp_url=amqp_url)) as connection, connection.channel() as channel:
        limits = {"x-max-length": 1, "x-overflow": "reject-publish"}
        await channel.declare_queue("full", durable=True, arguments=limits)
        publishing.use(connection)
        await publishing.send(aio_pika.Message(b""), "", "full", mandatory=True)
        first = publishing._channel
        with pytest.raises(PublishError):
            await publishing.send(aio_pika.Message(b""), "", "missing", mandatory=True)
        assert publishing._channel is first
        with pytest.raises(DeliveryError):
            await publishing.send(aio_pika.Message(b""), "", "full", mandatory=True)
        assert publishing._channel is None
        with pytest.raises(DeliveryError):
            await publishing.send(aio_pika.Message(b""), "", "full", mandatory=True)
        assert first is not None
        assert not first.is_closed, "what was published on it may still be confirmed"


async def test_many_refusals_at_once_cost_one_channel(amqp_url: str) -> None:
    publishing = PublishingChannel()
    async with connected(Settings(amqp_url=amqp_url)) as connection, connection.channel() as channel:
        limits = {"x-max-length": 0, "x-overflow": "reject-publish"}
        await channel.declare_queue("full", durable=True, arguments=limits)
        publishing.use(connection)
        seen = set()
        for _ in range(20):
            with pytest.raises(DeliveryError):
                await publishing.send(aio_pika.Message(b""), "", "full", mandatory=True)
            seen.add(publishing._channel)
        assert len(seen - {None}) == 1


async def test_a_message_that_is_not_confirmed_in_time_costs_the_channel(
    own_rabbitmq: RabbitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing_channel, "_PAUSE_SECONDS", 0.0)
    publishing = PublishingChannel()
    async with connected(Settings(amqp_url=own_rabbitmq.vhost())) as connection, connection.channel() as channel:
        await channel.declare_queue("slow", durable=True)
        publishing.use(connection)
        await publishing.send(aio_pika.Message(b""), "", "slow", mandatory=True)
        first = publishing._channel
        own_rabbitmq.pause()
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await publishing.send(aio_pika.Message(b""), "", "slow", mandatory=True)
        finally:
            own_rabbitmq.resume()
        assert publishing._channel is None
        await publishing.send(aio_pika.Message(b""), "", "slow", mandatory=True)
        assert publishing._channel is not first
