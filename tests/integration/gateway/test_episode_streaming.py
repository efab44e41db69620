"""A long episode over HTTP: flat memory, and nothing is read for a client that is gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from services.gateway.stored_file import PIECE_BYTES
from shared.store import keys
from shared.store.folder import FileStore
from tests.integration.gateway.completed_jobs import Listener, completed
from tests.integration.gateway.conftest import STACK_KEY, gateway_on, with_key
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services
from tests.waiting import until

BIG_BYTES = 300_000_000


@pytest.fixture(scope="module")
def started(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One gateway for all tests here. The store is a folder: the kernel counts what a process reads from files."""
    directory = tmp_path_factory.mktemp("streaming")
    amqp_url = rabbitmq.vhost()
    with gateway_on(amqp_url, (directory / "store").as_uri(), directory) as services:
        yield services
    rabbitmq.drop_vhost(amqp_url)


@pytest.fixture
async def listener(started: Services) -> AsyncIterator[Listener]:
    async with with_key(started.workers[0].health_url) as client:
        yield Listener(started, client)


def memory_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return 1_024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def read_bytes(pid: int) -> int:
    """How many bytes the process has read from files so far."""
    return next(
        int(line.split()[1]) for line in Path(f"/proc/{pid}/io").read_text().splitlines() if line.startswith("rchar:")
    )


async def big(listener: Listener) -> str:
    """A completed job with 300 MB of zeros, which take no space on the disk."""
    job_id = await completed(listener.services, {"wav": b""})
    store = listener.services.store
    assert isinstance(store, FileStore)
    with (store.root / keys.episode(job_id, "wav")).open("wb") as file:
        file.truncate(BIG_BYTES)
    return f"/v1/jobs/{job_id}/episode"


async def test_a_long_episode_needs_no_more_memory_than_a_short_one(listener: Listener) -> None:
    url = await big(listener)
    await listener.client.get(url, headers={"Range": f"bytes=0-{4 * PIECE_BYTES}"})
    before, most, got = memory_bytes(listener.pid), 0, 0
    async with listener.client.stream("GET", url) as response:
        async for piece in response.aiter_bytes():
            got += len(piece)
            most = max(most, memory_bytes(listener.pid)) if got % 50 == 0 or got > BIG_BYTES // 2 else most

    assert got == BIG_BYTES
    assert most - before < 20_000_000


@pytest.mark.parametrize("way", ["closed", "reset"])
async def test_nothing_more_is_read_for_a_client_that_is_gone(listener: Listener, way: str) -> None:
    url = await big(listener)
    place = urlsplit(listener.url)
    with socket.create_connection((place.hostname or "", place.port or 0)) as client:
        before = read_bytes(listener.pid)
        client.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {STACK_KEY}\r\n\r\n".encode())
        assert await asyncio.to_thread(client.recv, 1_000)
        await until(lambda: read_bytes(listener.pid) > before, "the gateway has begun to read")
        if way == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await asyncio.sleep(0.5)
    at_the_end = read_bytes(listener.pid)
    await asyncio.sleep(1)

    assert at_the_end - before < 20_000_000
    assert read_bytes(listener.pid) - at_the_end < 2 * PIECE_BYTES
    assert (await listener.client.get("/healthz")).status_code == 200


async def test_a_client_that_takes_nothing_is_not_read_for(listener: Listener) -> None:
    url = await big(listener)
    place = urlsplit(listener.url)
    with socket.create_connection((place.hostname or "", place.port or 0)) as client:
        client.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {STACK_KEY}\r\n\r\n".encode())
        before = read_bytes(listener.pid)
        await until(lambda: read_bytes(listener.pid) > before + 100_000, "the gateway has begun to read")
        await asyncio.sleep(1)
        assert read_bytes(listener.pid) - before < 20_000_000


async def test_a_file_that_is_replaced_meanwhile_is_cut_off_and_not_mixed(listener: Listener) -> None:
    url = await big(listener)
    got = bytearray()

    async def download() -> None:
        async with listener.client.stream("GET", url) as response:
            async for piece in response.aiter_bytes():
                if not got:
                    key = keys.episode(url.split("/")[3], "wav")
                    await listener.services.store.put(key, b"\1" * 50_000_000)
                got.extend(piece)

    with pytest.raises(httpx.RemoteProtocolError):
        await download()
    assert 0 < len(got) < BIG_BYTES
    assert got.count(0) == len(got)
