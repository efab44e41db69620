"""The coordinator reads depth and consumers of every queue from a real broker, whatever plugins that has."""

from __future__ import annotations

import asyncio

import aio_pika
from prometheus_client import REGISTRY

from services.coordinator.queue_watch import keep_read
from shared.protocol import topology
from shared.runtime.broker import connected
from shared.settings import Settings
from shared.store import queue_states
from shared.store.port import open_store
from tests.waiting import until


def messages(queue: str, part: str) -> float | None:
    return REGISTRY.get_sample_value("podcast_queue_messages", {"queue": queue, "part": part})


def consumers(queue: str) -> float | None:
    return REGISTRY.get_sample_value("podcast_queue_consumers", {"queue": queue})


def paused(queue: str) -> float | None:
    return REGISTRY.get_sample_value("podcast_queue_paused", {"queue": queue})


async def leave(_: object) -> None:
    """Settle nothing."""


async def test_what_waits_is_shown_by_part_and_nothing_is_taken(amqp_url: str, file_store_url: str) -> None:
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, reconcile_seconds=0.2)
    queue = topology.SYNTHESIZER
    async with connected(settings) as connection, connection.channel() as channel:
        await topology.declare(connection)
        for name in (queue.name, queue.name, queue.wait(300), queue.wait(60), queue.dead):
            await channel.default_exchange.publish(aio_pika.Message(b"x"), name)
        reading = asyncio.create_task(keep_read(settings, open_store(settings), topology.WORK_QUEUES))
        try:
            parts = ("ready", "waiting", "dead")
            wanted = [2, 2, 1]
            await until(lambda: [messages(queue.name, part) for part in parts] == wanted, "the queue is read")
            assert consumers(queue.name) == 0
            assert [messages("chunker", part) for part in parts] == [0, 0, 0]
            await (await channel.declare_queue(queue.name, passive=True)).consume(leave)
            await until(lambda: consumers(queue.name) == 1, "the consumer is seen")
            assert paused(queue.name) == 0
            await queue_states.pause(open_store(settings), queue.name)
            await until(lambda: paused(queue.name) == 1, "the pause is seen")
            assert not reading.done()
        finally:
            reading.cancel()


async def test_a_broker_that_is_away_ends_nothing(unused_tcp_port: int, file_store_url: str) -> None:
    amqp_url = f"amqp://u:p@127.0.0.1:{unused_tcp_port}/"
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, reconcile_seconds=0.05)
    reading = asyncio.create_task(keep_read(settings, open_store(settings), topology.WORK_QUEUES))
    try:
        done, _ = await asyncio.wait({reading}, timeout=0.5)
        assert not done
    finally:
        reading.cancel()
