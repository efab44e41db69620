"""The three responses to failure, with a real broker: retry, dead letter, redelivery."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import aio_pika
import pytest

from shared.errors import BadAudio, SpeechDown, SpeechRejected
from shared.protocol import envelope, topology
from shared.protocol.messages import ChunkRequested
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from shared.store.port import open_store
from tests.integration import mortal
from tests.integration.running import letters, ready_messages, request, running
from tests.waiting import until

Handle = Callable[[ChunkRequested], Awaitable[None]]


@pytest.fixture
def settings(amqp_url: str, file_store_url: str) -> Settings:
    return Settings(amqp_url=amqp_url, store_url=file_store_url, attempts_limit=2, grace_seconds=0.1)


def service(settings: Settings, handle: Handle, *, deadline_seconds: float = 5.0) -> Service:
    built = Service(settings, topology.SYNTHESIZER, slots=3, deadline_seconds=deadline_seconds)

    @built.on(ChunkRequested)
    async def chunk_requested(message: ChunkRequested) -> None:
        await handle(message)

    return built


def dies_of(error: Exception) -> Handle:
    async def handle(_: ChunkRequested) -> None:
        raise error

    return handle


def headers(message: Any) -> dict[str, Any]:
    return dict(message.headers)


async def test_a_permanent_failure_is_a_dead_letter_that_explains_itself(settings: Settings) -> None:
    async with running(service(settings, dies_of(SpeechRejected("No such voice.", hint="Name another.")))) as app:
        await app.publish(request(7))
        (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
    found = headers(letter)
    assert json.loads(letter.body)["index"] == 7
    assert found[envelope.EXCEPTION_TYPE] == "SpeechRejected"
    assert found[envelope.EXCEPTION_MESSAGE] == "No such voice. Name another."
    assert "Traceback" in found[envelope.EXCEPTION_STACKTRACE]
    assert (found[envelope.ORIGINAL_EXCHANGE], found[envelope.ORIGINAL_ROUTING_KEY]) == (
        "podcast",
        "chunk.requested",
    )
    assert (found[envelope.JOB], found[envelope.CHUNK]) == ("job", 7)
    assert found[envelope.ATTEMPT] == 1
    assert found[envelope.SERVICE] == "synthesizer"
    assert letter.correlation_id == "job"
    assert letter.type == "chunk.requested"


async def test_a_transient_failure_is_tried_again_and_then_a_dead_letter_with_every_attempt(settings: Settings) -> None:
    tries: list[int] = []

    async def handle(message: ChunkRequested) -> None:
        tries.append(message.index)
        raise BadAudio(f"Silence number {len(tries)}.")

    async with running(service(settings, handle)) as app:
        await app.publish(request())
        (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
    assert len(tries) == 2
    attempts = envelope.attempts(headers(letter))
    assert [attempt["error"] for attempt in attempts] == ["Silence number 1.", "Silence number 2."]
    assert [attempt["attempt"] for attempt in attempts] == [1, 2]


async def test_a_failure_that_heals_leaves_no_trace(settings: Settings) -> None:
    tries: list[int] = []

    async def handle(message: ChunkRequested) -> None:
        tries.append(message.index)
        if len(tries) == 1:
            raise KeyError("a bug that shows once")

    async with running(service(settings, handle)) as app:
        await app.publish(request())
        await until(lambda: len(tries) == 2, "the second try")
    assert await ready_messages(settings, topology.SYNTHESIZER.dead) == 0
    assert await ready_messages(settings, topology.SYNTHESIZER.name) == 0


async def test_an_outage_uses_up_no_attempts(settings: Settings) -> None:
    tries: list[int] = []

    async def handle(message: ChunkRequested) -> None:
        tries.append(message.index)
        if len(tries) <= settings.attempts_limit:
            raise SpeechDown("Nobody answers.")

    async with running(service(settings, handle)) as app:
        await app.publish(request())
        await until(lambda: len(tries) > settings.attempts_limit, "the try after the outage")
    assert await ready_messages(settings, topology.SYNTHESIZER.dead) == 0


async def test_a_handler_over_its_deadline_is_ended_and_counted_as_a_failure(settings: Settings) -> None:
    async def handle(_: ChunkRequested) -> None:
        await asyncio.Event().wait()

    async with running(service(settings, handle, deadline_seconds=0.2)) as app:
        await app.publish(request())
        (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
    assert headers(letter)[envelope.EXCEPTION_TYPE] == "DeadlineExceeded"
    assert "took longer than 0.2 s" in headers(letter)[envelope.EXCEPTION_MESSAGE]


@pytest.mark.parametrize(
    ("body", "type_", "reason"),
    [
        (b"not json", None, "not a valid ChunkRequested"),
        (b"\xff\xfe\x00", None, "not a valid ChunkRequested"),
        (b"[]", None, "not a valid ChunkRequested"),
        (request().model_dump_json().replace('"index":0', '"index":"0"').encode(), None, "index"),
        (request().model_dump_json().replace('"version":1', '"version":2').encode(), None, "version"),
        (request().model_dump_json().replace("{", '{"extra":1,', 1).encode(), None, "extra"),
        (request().model_dump_json().encode(), "job.unheard-of", "no message of that type"),
        (b"x" * 10_000_000, None, "not a valid ChunkRequested"),
        (b"[" * 100_000, None, "not a valid ChunkRequested"),
    ],
    ids=[
        "not-json",
        "not-text",
        "not-an-object",
        "wrong-type",
        "wrong-version",
        "extra-field",
        "unknown",
        "10-MB",
        "nested",
    ],
)
async def test_a_malformed_message_is_a_dead_letter_and_the_next_one_is_handled(
    settings: Settings, body: bytes, type_: str | None, reason: str
) -> None:
    handled: list[int] = []

    async def handle(message: ChunkRequested) -> None:
        handled.append(message.index)

    async with running(service(settings, handle)) as app:
        await app.publish.raw(aio_pika.Message(body, type=type_), topology.EXCHANGE, "chunk.requested")
        await app.publish(request(5))
        (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
        await until(lambda: handled == [5], "the message behind it")
    assert letter.body == body
    assert reason in headers(letter)[envelope.EXCEPTION_MESSAGE]


async def test_a_service_that_has_stopped_is_watched_no_longer(settings: Settings) -> None:
    """The watchdog would mistake the end of the loop for a stall, and end the process."""

    async with running(service(settings, dies_of(SpeechRejected("No.")))):
        assert "watchdog" in [thread.name for thread in threading.enumerate()]
    await until(lambda: "watchdog" not in [thread.name for thread in threading.enumerate()], "it stops watching")


async def test_a_stranger_without_message_properties_can_publish(settings: Settings) -> None:
    handled: list[int] = []

    async def handle(message: ChunkRequested) -> None:
        handled.append(message.index)

    async with (
        running(service(settings, handle)),
        connected(settings) as connection,
        connection.channel() as channel,
    ):
        exchange = await channel.get_exchange(topology.EXCHANGE)
        await exchange.publish(aio_pika.Message(request(3).model_dump_json().encode()), "chunk.requested")
        await until(lambda: handled == [3], "the stranger's message")


@pytest.mark.parametrize(
    "headers",
    [{"x-huge": "h" * 100_000}, {"x-bytes": bytearray(b"\x00\xff")}, {"x-attempt": "many"}, {"x-attempts": "no list"}],
    ids=["huge", "bytes", "no-number", "no-list"],
)
async def test_a_strangers_headers_do_not_keep_a_message_from_its_dead_letter_queue(
    settings: Settings, headers: dict[str, Any]
) -> None:
    async with running(service(settings, dies_of(SpeechRejected("No.")))) as app:
        message = aio_pika.Message(request(4).model_dump_json().encode(), headers=headers)
        await app.publish.raw(message, topology.EXCHANGE, "chunk.requested")
        (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
    assert json.loads(letter.body)["index"] == 4
    assert dict(letter.headers)[envelope.EXCEPTION_MESSAGE] == "No."


async def test_a_stopping_service_hands_back_what_it_cannot_finish_without_bringing_it_nearer_to_its_death(
    settings: Settings,
) -> None:
    begun: list[int] = []

    async def handle(message: ChunkRequested) -> None:
        begun.append(message.index)
        await asyncio.Event().wait()

    # More often than the delivery limit would allow.
    for restart in range(25):
        async with running(service(settings, handle)) as app:
            if restart == 0:
                await app.publish(request())
            await until(lambda restart=restart: len(begun) == restart + 1, "the handler begins")
    assert await ready_messages(settings, topology.SYNTHESIZER.dead) == 0
    (message,) = await letters(settings, topology.SYNTHESIZER.name, 1)
    assert not message.headers.get("x-delivery-count")
    assert envelope.attempt(message) == 1


async def test_a_message_that_kills_its_consumer_three_times_is_a_dead_letter_and_its_neighbours_are_not_blamed(
    settings: Settings,
) -> None:
    """The consumer is a separate process, which the message kills with SIGKILL."""

    environment = {**os.environ, "PODCAST_AMQP_URL": settings.amqp_url, "PODCAST_STORE_URL": settings.store_url}
    async with connected(settings) as connection:
        await topology.declare(connection)
        async with connection.channel() as channel:
            exchange = await channel.get_exchange(topology.EXCHANGE)
            for index in (12, mortal.KILLS, 14):
                message = envelope.outgoing(request(index), job_id="job")
                await exchange.publish(message, ChunkRequested.ROUTING_KEY)
    died = asyncio.create_task(letters(settings, topology.SYNTHESIZER.dead, 1))
    lives = 0
    consumer = None
    while not died.done():
        consumer = await asyncio.create_subprocess_exec(sys.executable, "-m", mortal.__name__, env=environment)
        lives += 1
        ended = asyncio.create_task(consumer.wait())
        await asyncio.wait({died, ended}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        assert lives <= 4, "it kills on and on"
    (letter,) = died.result()
    store = open_store(settings)
    await store.ping()

    async def neighbours() -> list[str]:
        return [key async for key in store.list(mortal.DONE)]

    async with asyncio.timeout(30):
        while len(await neighbours()) < 2:  # noqa: ASYNC110 - the condition is in the store
            await asyncio.sleep(0.05)
    assert consumer is not None
    consumer.terminate()
    assert await asyncio.wait_for(consumer.wait(), 30) == 0
    assert lives == 4
    assert json.loads(letter.body)["index"] == mortal.KILLS
    assert headers(letter)[envelope.EXCEPTION_TYPE] == "Poison"
    assert "killed the process that handled it 3 times" in headers(letter)[envelope.EXCEPTION_MESSAGE]
    assert await neighbours() == [f"{mortal.DONE}12", f"{mortal.DONE}14"]
    assert [key async for key in store.list("quarantine/")] == []
