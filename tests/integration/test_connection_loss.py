"""A lost connection is not a death: messages in flight are dropped immediately, and their redelivery is no strike."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared.errors import Poison
from shared.protocol import topology
from shared.protocol.messages import ChunkRequested
from shared.runtime.quarantine import Quarantine
from shared.runtime.service import Service
from shared.settings import Settings
from shared.store import keys
from shared.store.folder import FileStore
from tests.integration.running import ready_messages, request, running
from tests.servers.proxy import Proxy
from tests.waiting import until


@pytest.fixture
def proxy(amqp_url: str) -> Iterator[Proxy]:
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy:
        yield proxy


@pytest.fixture
def settings(proxy: Proxy, amqp_url: str, file_store_url: str) -> Settings:
    return Settings(amqp_url=proxy.in_front_of(amqp_url), store_url=file_store_url, crash_limit=3, grace_seconds=0.1)


class Handling:
    """A handler that hangs `hangs` times, and then succeeds."""

    def __init__(self, *, hangs: int) -> None:
        self.begun = 0
        self.running = 0
        self.cancelled = 0
        self.most_at_a_time = 0
        self.done: list[int] = []
        self._hangs = hangs

    async def __call__(self, message: ChunkRequested) -> None:
        self.begun += 1
        self.running += 1
        self.most_at_a_time = max(self.most_at_a_time, self.running)
        try:
            if self.begun <= self._hangs:
                await asyncio.Event().wait()
            self.done.append(message.index)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


def service(settings: Settings, handling: Handling) -> Service:
    built = Service(settings, topology.SYNTHESIZER, slots=3, deadline_seconds=60)

    @built.on(ChunkRequested)
    async def chunk_requested(message: ChunkRequested) -> None:
        await handling(message)

    return built


async def test_a_message_in_hand_at_four_lost_connections_is_handled_once_afterwards_and_is_no_poison(
    settings: Settings, proxy: Proxy
) -> None:
    losses = 4  # one more than the number of deaths that would make it poison
    handling = Handling(hangs=losses)
    async with running(service(settings, handling)) as app:
        await app.publish(request(7))
        for loss in range(losses):
            await until(lambda loss=loss: handling.begun == loss + 1, f"handling number {loss + 1}")
            proxy.cut_now()
            await until(lambda loss=loss: handling.cancelled == loss + 1, "what was in hand is cancelled", seconds=5)
        await until(lambda: handling.done == [7], "the message is handled")
        await until(lambda: app.ready, "the service is back")
    assert handling.begun == losses + 1
    assert handling.most_at_a_time == 1, "no second copy ran beside the first"
    for queue in (topology.SYNTHESIZER.dead, topology.SYNTHESIZER.name):
        assert await ready_messages(settings, queue) == 0


async def test_what_was_lost_is_not_settled_again_by_the_one_who_lost_it(settings: Settings, proxy: Proxy) -> None:
    handling = Handling(hangs=1)
    async with running(service(settings, handling)) as app:
        await app.publish(request(7))
        await until(lambda: handling.begun == 1, "the handler begins")
        proxy.cut_now()
        await until(lambda: handling.done == [7], "the second handling")
        await until(lambda: not app._subscription.in_flight, "nothing is in hand")
        for seconds in topology.WAIT_SECONDS:
            assert await ready_messages(settings, topology.SYNTHESIZER.wait(seconds)) == 0


async def test_a_lost_consumer_channel_is_a_lost_connection_to_what_was_in_hand(settings: Settings) -> None:
    handling = Handling(hangs=1)
    async with running(service(settings, handling)) as app:
        await app.publish(request(7))
        await until(lambda: handling.begun == 1, "the handler begins")
        queue = app._subscriber._queue_obj
        assert queue is not None
        channel = await queue.channel.get_underlay_channel()
        await channel.basic_ack(4_711)  # an unknown delivery tag: the broker closes the channel
        await until(lambda: handling.cancelled == 1, "what was in hand is cancelled", seconds=5)
        await until(lambda: handling.done == [7], "the message is handled")
    assert handling.most_at_a_time == 1


# ---------------------------------------------------------------- the quarantine alone, with a real store

SERVICE, MESSAGE = "patient", "message-1"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "store", deadline_seconds=20)


def process(store: FileStore) -> Quarantine:
    """The quarantine of another process."""
    return Quarantine(store, service=SERVICE, crash_limit=3, verdict_pause_seconds=0.01)


async def dies(store: FileStore) -> None:
    """A process dies while it handles the message alone: its marker stays."""
    before = set(await marks(store))
    with contextlib.suppress(KeyError):
        async with process(store).suspect(MESSAGE):
            [mark] = set(await marks(store)) - before
            raise KeyError
    await store.put(mark, b"")


async def marks(store: FileStore) -> list[str]:
    return [key async for key in store.list(keys.suspect(SERVICE, MESSAGE))]


async def test_the_first_death_leaves_no_marker_and_is_counted(store: FileStore) -> None:
    for _ in range(2):
        await dies(store)
    with pytest.raises(Poison, match="3 times"):
        async with process(store).suspect(MESSAGE):
            raise AssertionError("it is handled once more")
    assert await marks(store) == []


async def test_a_connection_lost_at_first_is_no_strike_beside_deaths(store: FileStore) -> None:
    living = process(store)
    living.lost(MESSAGE)
    await living.settle(seconds=5)
    for _ in range(2):
        await dies(store)
    async with process(store).suspect(MESSAGE):
        pass
    assert await marks(store) == []


async def test_deaths_are_counted_however_often_the_connection_was_lost_between(store: FileStore) -> None:
    await dies(store)
    for _ in range(3):
        with pytest.raises(asyncio.CancelledError):
            async with process(store).suspect(MESSAGE):
                raise asyncio.CancelledError
    await dies(store)
    with pytest.raises(Poison, match="3 times"):
        async with process(store).suspect(MESSAGE):
            raise AssertionError("it is handled once more")


async def test_a_marker_that_its_living_owner_takes_away_during_the_verdict_is_no_death(store: FileStore) -> None:
    await dies(store)
    owner = process(store).suspect(MESSAGE)
    await owner.__aenter__()
    judge = Quarantine(store, service=SERVICE, crash_limit=3, verdict_pause_seconds=1.0)
    handled = asyncio.create_task(_handle(judge))
    await asyncio.sleep(0.2)  # the judge looks and finds two markers
    assert not handled.done()
    await owner.__aexit__(asyncio.CancelledError, asyncio.CancelledError(), None)
    assert await handled == "handled"


async def _handle(quarantine: Quarantine) -> str:
    async with quarantine.suspect(MESSAGE):
        return "handled"


async def test_what_a_process_could_not_write_down_it_still_knows_itself(tmp_path: Path) -> None:
    class Unwritable(FileStore):
        is_down = True
        asked = asyncio.Event()

        async def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
            if self.is_down:
                self.asked.set()
                await asyncio.Event().wait()
            await super().put(key, data, content_type=content_type)

    store = Unwritable(tmp_path / "store", deadline_seconds=20)
    living = process(store)
    living.lost(MESSAGE)
    await store.asked.wait()
    store.is_down = False
    for _ in range(2):
        await dies(store)
    assert await _handle(living) == "handled"
