"""Messages that a process holds beyond those that it handles: with a real broker, at the end with a synthesizer too."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.synthesizer import app as synthesizer_app
from services.synthesizer import chunk_work
from shared.protocol import envelope, topology
from shared.protocol.messages import ChunkRequested
from shared.runtime import slots
from shared.runtime.service import Service
from shared.settings import Settings
from shared.store import queue_states
from tests.held_encoding import encoded_when_told
from tests.integration.running import letters, ready_messages, request, running
from tests.unit.synthesizer.sounds import espeak
from tests.unit.synthesizer.speech_server import Write, hangs, head, serving
from tests.unit.synthesizer.test_segmenting import request as chunk_request
from tests.waiting import until

QUEUE = topology.SYNTHESIZER


@pytest.fixture
def settings(amqp_url: str, file_store_url: str) -> Settings:
    return Settings(amqp_url=amqp_url, store_url=file_store_url, attempts_limit=1, grace_seconds=10)


class Handlers:
    """Handlers that go on when they are told; one message is handled at a time, and two are held."""

    def __init__(self, settings: Settings, *, deadline_seconds: float = 60.0, frees: bool = False) -> None:
        self.begun: list[int] = []
        self.may_end = asyncio.Event()
        self.service = Service(settings, QUEUE, slots=1, spare=1, deadline_seconds=deadline_seconds)

        @self.service.on(ChunkRequested)
        async def handle(message: ChunkRequested) -> None:
            self.begun.append(message.index)
            if frees:
                slots.free()
            await self.may_end.wait()

    async def have(self, *indexes: int) -> None:
        for index in indexes:
            await self.service.publish(request(index))
        await until(lambda: len(self.service._subscription.in_flight) == 2, "two messages are held")


async def test_a_message_that_waits_for_a_slot_is_handed_back_at_once_when_the_service_stops(
    settings: Settings,
) -> None:
    handlers = Handlers(settings)
    async with running(handlers.service) as service:
        await handlers.have(0, 1)
        service.stop()
        (message,) = await letters(settings, QUEUE.name, 1)
        assert handlers.begun == [0]
        await until(lambda: len(service._subscription.in_flight) == 1, "the other one is still being handled")
        handlers.may_end.set()
    assert (envelope.attempt(message), message.redelivered) == (1, False)
    assert not message.headers.get(envelope.SUSPECT)
    assert await ready_messages(settings, QUEUE.name) == 0, "the other one was finished"


async def test_a_message_that_waits_for_a_slot_is_not_begun_when_its_queue_is_paused(settings: Settings) -> None:
    handlers = Handlers(settings)
    async with running(handlers.service) as service:
        await handlers.have(0, 1)
        await queue_states.pause(service.store, QUEUE.name)
        await until(lambda: len(service._subscription.in_flight) == 1, "the waiting one is handed back")
        handlers.may_end.set()
        await until(lambda: not service._subscription.in_flight, "the other one is finished")
        assert await ready_messages(settings, QUEUE.name) == 1
        assert handlers.begun == [0]


async def test_the_time_in_which_a_message_waits_for_a_slot_does_not_count(settings: Settings) -> None:
    handlers = Handlers(settings, deadline_seconds=2.0)
    async with running(handlers.service):
        await handlers.have(0, 1)
        # The first one is ended at its deadline, and becomes a dead letter; the second one has all of its own left.
        (letter,) = await letters(settings, QUEUE.dead, 1)
        assert letter.headers[envelope.CHUNK] == 0
        await until(lambda: handlers.begun == [0, 1], "the second one begins")
        handlers.may_end.set()
        await until(lambda: not handlers.service._subscription.in_flight, "it is finished")
    assert await ready_messages(settings, QUEUE.dead) == 0


async def test_a_handler_that_frees_its_slot_lets_the_next_message_in_and_no_more(settings: Settings) -> None:
    handlers = Handlers(settings, frees=True)
    async with running(handlers.service):
        await handlers.have(0, 1, 2)
        await until(lambda: handlers.begun == [0, 1], "the second one begins")
        assert await ready_messages(settings, QUEUE.name) == 1, "the third one is not taken from its queue"
        handlers.may_end.set()
        await until(lambda: handlers.begun == [0, 1, 2], "the third one begins")


async def speaks(body: dict[str, Any], writer: Write) -> None:
    answer = await asyncio.to_thread(espeak, body["input"])
    writer.write(head(200, content_type="audio/wav", content_length=len(answer)) + answer)


def texts(count: int) -> list[str]:
    return [f"This is text number {number}, and it is spoken by a synthesizer of the tests." for number in range(count)]


async def test_the_next_chunk_is_spoken_while_an_encoder_is_busy(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_work, "segments_of", partial(encoded_when_told, tmp_path / "mark"))
    async with serving(speaks) as server:
        asked = settings.model_copy(update={"speech_url": server.url, "synthesizer_slots": 1})
        async with running(synthesizer_app.build(asked)) as app:
            for text in texts(3):
                await app.publish(chunk_request(text))
            await until(lambda: len(server.asked) == 2, "the next chunk is asked for")
            assert await ready_messages(settings, QUEUE.name) == 1
            (tmp_path / "mark").touch()
            await until(lambda: len(server.asked) == 3, "the last one is asked for")

            async def announced() -> bool:
                return await ready_messages(settings, topology.COORDINATOR.name) == 3

            await until(announced, "all are announced")


async def test_a_speech_server_is_never_asked_for_more_texts_at_a_time_than_there_are_slots(
    settings: Settings,
) -> None:
    async with serving(hangs) as server:
        asked = settings.model_copy(update={"speech_url": server.url, "synthesizer_slots": 2, "grace_seconds": 0.1})
        async with running(synthesizer_app.build(asked)) as app:
            for text in texts(5):
                await app.publish(chunk_request(text))
            held = 2 + synthesizer_app.AudioWorkers(2).count
            await until(lambda: len(app._subscription.in_flight) == held, "all that it holds")
            await until(lambda: len(server.asked) == 2, "two are asked for")
            assert await ready_messages(settings, QUEUE.name) == 5 - held
            assert len(server.asked) == 2
