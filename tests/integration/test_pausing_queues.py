"""A queue is paused and resumed while a job is under way, with a real broker."""

from __future__ import annotations

import asyncio
from typing import Any

import aio_pika
import pytest

from shared.errors import BadInput
from shared.protocol import topology
from shared.protocol.messages import ChunkRequested
from shared.runtime import pausing
from shared.runtime.broker import connected
from shared.runtime.queue_counts import count
from shared.runtime.service import Service
from shared.settings import Settings
from shared.store import keys, queue_states
from tests.integration.running import ready_messages, request, running
from tests.waiting import until

CHUNKS = 4
NAME = topology.SYNTHESIZER.name


@pytest.fixture
def settings(amqp_url: str, file_store_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(pausing, "LOOK_SECONDS", 0.05)
    return Settings(amqp_url=amqp_url, store_url=file_store_url)


def service(settings: Settings, begun: list[int], go_on: asyncio.Event, *, slots: int = 1) -> Service:
    built = Service(settings, topology.SYNTHESIZER, slots=slots, deadline_seconds=20)

    @built.on(ChunkRequested)
    async def chunk_requested(message: ChunkRequested) -> None:
        begun.append(message.index)
        await go_on.wait()

    return built


async def consumers(settings: Settings) -> int:
    async with connected(settings) as connection, connection.channel() as channel:
        return (await count(channel, topology.SYNTHESIZER)).consumers


async def test_what_was_begun_is_finished_and_the_rest_waits_until_it_is_resumed(settings: Settings) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()
    async with running(service(settings, begun, go_on)) as app:
        for index in range(CHUNKS):
            await app.publish(request(index, text=f"Chunk {index}."))
        await until(lambda: begun == [0], "the first chunk is under way")
        await queue_states.pause(app.store, NAME, reason="too dear")

        async def nobody_consumes() -> bool:
            return await consumers(settings) == 0

        await until(nobody_consumes, "the consumer is gone")
        go_on.set()

        async def the_first_is_done() -> bool:
            return not app._subscription.in_flight and await ready_messages(settings, NAME) == CHUNKS - 1

        await until(the_first_is_done, "the first chunk is finished, and the others are back in the queue")
        assert begun == [0]
        assert app.ready, "a paused service is not broken"
        assert await ready_messages(settings, topology.SYNTHESIZER.dead) == 0
        assert (await queue_states.read(app.store, NAME)).reason == "too dear"

        await queue_states.resume(app.store, NAME)
        await until(lambda: begun == list(range(CHUNKS)), "the rest is spoken, in order")
    assert await ready_messages(settings, NAME) == 0


async def test_a_service_that_starts_while_its_queue_is_paused_takes_nothing(settings: Settings) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()
    go_on.set()
    app = service(settings, begun, go_on)
    await queue_states.pause(app.store, NAME)
    async with running(app):
        await app.publish(request())
        assert await ready_messages(settings, NAME) == 1
        assert await consumers(settings) == 0
        await queue_states.resume(app.store, NAME)
        await until(lambda: begun == [0], "it begins when the queue is resumed")


async def test_a_lost_connection_resumes_nothing(settings: Settings) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()
    go_on.set()
    async with running(service(settings, begun, go_on)) as app:
        await queue_states.pause(app.store, NAME)
        await until(lambda: app._pausing.is_paused, "it is paused")
        connection = app._connection
        assert isinstance(connection, aio_pika.RobustConnection)
        assert connection.transport is not None
        await connection.transport.connection.close(ConnectionError("cut"))
        await until(lambda: not app.ready, "the loss is noticed")
        await until(lambda: app.ready, "the connection is back")
        await app.publish(request())
        assert await consumers(settings) == 0
        await queue_states.resume(app.store, NAME)
        await until(lambda: begun == [0], "it is resumed over the new connection")


async def test_a_first_start_that_broke_off_is_repeated(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()
    go_on.set()
    app = service(settings, begun, go_on)
    await queue_states.pause(app.store, NAME)
    failed = once_failing(aio_pika.RobustQueue, "consume", monkeypatch)
    async with running(app):
        await app.publish(request())
        await queue_states.resume(app.store, NAME)
        await until(lambda: begun == [0], "it consumes at the second try")
    assert failed == [True]


async def test_a_pause_that_failed_and_was_taken_back_leaves_a_consumer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()
    go_on.set()
    async with running(service(settings, begun, go_on)) as app:
        cancelled = aio_pika.RobustQueue.cancel

        async def lost_answer(queue: aio_pika.RobustQueue, *arguments: Any, **keywords: Any) -> None:
            monkeypatch.setattr(aio_pika.RobustQueue, "cancel", cancelled)
            await cancelled(queue, *arguments, **keywords)
            await queue_states.resume(app.store, NAME)
            raise ConnectionError("the answer is lost")

        monkeypatch.setattr(aio_pika.RobustQueue, "cancel", lost_answer)
        await queue_states.pause(app.store, NAME)
        await until(lambda: aio_pika.RobustQueue.cancel is cancelled, "the pause has failed")
        await app.publish(request())
        await until(lambda: begun == [0], "it consumes")
        assert await consumers(settings) == 1


def once_failing(owner: type, name: str, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Have the next call of a method lose the connection; the list says whether it has."""
    method, failed = getattr(owner, name), list[bool]()

    async def failing(*arguments: Any, **keywords: Any) -> Any:
        if not failed:
            failed.append(True)
            raise ConnectionError("cut")
        return await method(*arguments, **keywords)

    monkeypatch.setattr(owner, name, failing)
    return failed


async def test_a_record_that_cannot_be_read_pauses_nothing_and_is_replaced(settings: Settings) -> None:
    app = service(settings, [], asyncio.Event())
    await app.store.put(keys.queue(NAME), b"{")
    assert not (await queue_states.read(app.store, NAME)).is_paused
    first = await queue_states.pause(app.store, NAME)
    assert await queue_states.pause(app.store, NAME) == first, "its time stays"
    assert (await queue_states.resume(app.store, NAME)).resumed_at >= (first.paused_at or 0.0) > 0


def test_the_coordinator_cannot_be_paused() -> None:
    with pytest.raises(BadInput, match="'coordinator' cannot be paused"):
        queue_states.pausable("coordinator")
