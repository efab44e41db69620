"""A server's `Retry-After` is respected even beyond the longest wait queue, with a real broker."""

from __future__ import annotations

import time

import pytest

from shared.errors import SpeechDown
from shared.protocol import envelope, topology
from shared.protocol.messages import ChunkRequested
from shared.runtime import delays
from shared.runtime.service import Service
from shared.settings import Settings
from tests.integration.running import ready_messages, request, running
from tests.waiting import until

PAUSE_SECONDS = 3.2


def service(settings: Settings, tried: list[float]) -> Service:
    built = Service(settings, topology.SYNTHESIZER, slots=1, deadline_seconds=5)
    built._subscription.wait_seconds = (1,)  # as if the longest wait queue lasted one second instead of 300

    @built.on(ChunkRequested)
    async def chunk_requested(_: ChunkRequested) -> None:
        tried.append(time.monotonic())
        if len(tried) == 1:
            raise SpeechDown("Come back later.", retry_after_seconds=PAUSE_SECONDS)

    return built


@pytest.mark.parametrize(("limit", "waited"), [(86_400, PAUSE_SECONDS), (1, 0.7)])
async def test_a_pause_is_waited_for_in_turns_without_the_handler_and_without_counting(
    amqp_url: str, file_store_url: str, limit: float, waited: float
) -> None:
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, attempts_limit=1, retry_after_limit_seconds=limit)
    tried: list[float] = []
    async with running(service(settings, tried)) as app:
        await app.publish(request())
        await until(lambda: len(tried) == 2, "the try after the pause")
    assert waited <= tried[1] - tried[0] < waited + 2.5
    assert await ready_messages(settings, topology.SYNTHESIZER.dead) == 0


@pytest.mark.parametrize("jump_seconds", [-(10**9), 10**9], ids=["back", "forth"])
async def test_a_clock_that_jumps_loses_no_message(
    amqp_url: str, file_store_url: str, jump_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, attempts_limit=1)
    tried: list[float] = []
    now = time.time
    async with running(service(settings, tried)) as app:
        await app.publish(request())
        await until(lambda: tried, "the first try")
        monkeypatch.setattr(envelope.time, "time", lambda: now() + jump_seconds)
        await until(lambda: len(tried) == 2, "the try after the pause", seconds=PAUSE_SECONDS + 3)


def test_the_turns_of_a_pause_add_up_to_it() -> None:
    left, turns = 3_600.0, 0
    while left > 0:
        queue_seconds, waiting = delays.delay(0, at_least=left)
        assert queue_seconds == 300 or left <= 60
        left = delays.pause(left, waiting)[envelope.STILL_SECONDS] or 0
        turns += 1
    assert turns == 12
