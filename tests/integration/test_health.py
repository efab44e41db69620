"""`/healthz` and `/readyz` are always right, with a real broker and a real store."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

import httpx
import pytest

from shared.protocol import topology
from shared.protocol.messages import ChunkRequested
from shared.runtime import health
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from tests.integration.running import request, running
from tests.servers.minio import MinioServer
from tests.servers.ports import free_port
from tests.servers.proxy import Proxy
from tests.waiting import until


def service(settings: Settings, *, blocks_seconds: float = 0.0) -> Service:
    built = Service(settings, topology.SYNTHESIZER, slots=3, deadline_seconds=60)

    @built.on(ChunkRequested)
    async def chunk_requested(_: ChunkRequested) -> None:
        if blocks_seconds:
            time.sleep(blocks_seconds)  # noqa: ASYNC251 - it is what a blocked loop does
        else:
            await asyncio.Event().wait()

    return built


async def ask(settings: Settings, path: str) -> httpx.Response:
    return await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{settings.health_port}{path}", timeout=5)


async def is_ready(settings: Settings) -> bool:
    return (await ask(settings, "/readyz")).status_code == httpx.codes.OK


async def reasons(settings: Settings) -> str:
    """Why the service is not ready; "" if it is."""
    answer = await ask(settings, "/readyz")
    body = answer.json()
    assert body["ready"] == (answer.status_code == httpx.codes.OK) == (body["reasons"] == [])
    return " ".join(body["reasons"])


async def test_ready_ends_with_the_connection_and_comes_back_with_it_and_the_process_is_alive_meanwhile(
    amqp_url: str, file_store_url: str
) -> None:
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy:
        settings = Settings(
            amqp_url=proxy.in_front_of(amqp_url), store_url=file_store_url, health_port=free_port(), grace_seconds=0.1
        )
        async with running(service(settings)):
            assert await reasons(settings) == ""
            proxy.break_as("cut")

            async def tells() -> bool:
                return "broker" in await reasons(settings)

            await until(tells, "it says that the broker is gone", seconds=5)
            assert (await ask(settings, "/healthz")).status_code == httpx.codes.OK
            proxy.heal()
            await until(lambda: is_ready(settings), "it is ready again")


async def test_ready_ends_when_the_queue_is_consumed_no_more(amqp_url: str, file_store_url: str) -> None:
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, health_port=free_port(), grace_seconds=0.1)
    async with running(service(settings)), connected(settings) as connection:
        async with connection.channel() as channel:
            await channel.queue_delete(topology.SYNTHESIZER.name)

            async def tells() -> bool:
                return "does not deliver from synthesizer" in await reasons(settings)

            await until(tells, "it says that nothing is delivered", seconds=5)
            assert (await ask(settings, "/healthz")).status_code == httpx.codes.OK
        await topology.declare(connection)
        await until(lambda: is_ready(settings), "it consumes again")


async def test_ready_ends_with_the_store_and_comes_back_with_it(amqp_url: str, own_minio: MinioServer) -> None:
    settings = Settings(
        amqp_url=amqp_url, store_url=own_minio.bucket(), health_port=free_port(), connect_timeout_seconds=1
    )
    async with running(service(settings)):
        assert await reasons(settings) == ""
        await asyncio.to_thread(own_minio.stop)

        async def tells() -> bool:
            return "store" in (await reasons(settings)).lower()

        await until(tells, "it says that the store is gone")
        assert (await ask(settings, "/healthz")).status_code == httpx.codes.OK
        await asyncio.to_thread(own_minio.start)
        await until(lambda: is_ready(settings), "it is ready again")


async def test_a_process_that_drains_is_not_ready(amqp_url: str, file_store_url: str) -> None:
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, health_port=free_port(), grace_seconds=3)
    built = service(settings)
    async with running(built) as app:
        await app.publish(request())
        await until(lambda: app._subscription.in_flight, "something is in hand")
        app.stop()

        async def tells() -> bool:
            return await reasons(settings) == "The service is stopping."

        await until(tells, "it says that it stops", seconds=2)


async def test_a_process_that_waits_for_its_servers_is_alive_and_not_ready(file_store_url: str) -> None:
    settings = Settings(
        amqp_url=f"amqp://guest:guest@127.0.0.1:{free_port()}/", store_url=file_store_url, health_port=free_port()
    )
    built = service(settings)
    task = asyncio.create_task(built.run())

    async def answers() -> bool:
        try:
            return await reasons(settings) == "The service is starting."
        except httpx.ConnectError:
            return False

    await until(answers, "it says that it starts")
    assert (await ask(settings, "/healthz")).status_code == httpx.codes.OK
    built.stop()
    await asyncio.wait_for(task, 10)


async def test_a_process_whose_loop_stands_still_is_not_alive(
    amqp_url: str, file_store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "STILL_LIMIT_SECONDS", 1.0)
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, health_port=free_port(), grace_seconds=0.1)
    found: list[tuple[int, int]] = []

    def look() -> None:
        """Runs in a thread, since this event loop is the one that is blocked."""
        base = f"http://127.0.0.1:{settings.health_port}"
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            answers = tuple(httpx.get(base + path, timeout=5).status_code for path in ("/healthz", "/readyz"))
            found.append((answers[0], answers[1]))
            if answers == (503, 503):
                return
            time.sleep(0.05)

    async with running(service(settings, blocks_seconds=2.5)) as app:
        looking = asyncio.create_task(asyncio.to_thread(look))
        await until(lambda: found, "the first look")
        assert found[0] == (200, 200)
        await app.publish(request())
        await looking
        assert found[-1] == (503, 503)
        await until(lambda: is_ready(settings), "its loop turns again")
        assert (await ask(settings, "/healthz")).status_code == httpx.codes.OK
