"""What a stranger can hold: connections of one address, answers that are not read; and everyone else meanwhile."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.integration.gateway.conftest import STACK_KEY, gateway_process, with_key
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services
from tests.waiting import until

CONNECTIONS = 60
OF_AN_ADDRESS = 20
FEW = 8
RESERVE = 8
STALL_SECONDS = 120.0
STRANGER_STALL_SECONDS = 2.0
OTHER_ADDRESS = "127.0.0.2"
STRANGER = "127.0.0.4"
KNOWN = "127.0.0.5"
PIPELINED = 400
"""Answers of /openapi.json that no kernel's buffers hold."""
OPENAPI = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def strict(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway that limits the connections of an address."""
    with gateway_process(
        rabbitmq,
        tmp_path_factory.mktemp("strangers"),
        PODCAST_GATEWAY_CONNECTIONS=str(CONNECTIONS),
        PODCAST_GATEWAY_CONNECTIONS_PER_ADDRESS=str(OF_AN_ADDRESS),
        PODCAST_GATEWAY_PROXIES="127.0.0.64/26",
        PODCAST_GATEWAY_STALL_SECONDS=str(STALL_SECONDS),
        PODCAST_GATEWAY_STRANGER_STALL_SECONDS=str(STRANGER_STALL_SECONDS),
    ) as services:
        yield services


@pytest.fixture(scope="module")
def url(strict: Services) -> str:
    """Its address."""
    return strict.workers[0].health_url


@pytest.fixture(scope="module")
def small(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway with few connections, which cuts strangers off late."""
    with gateway_process(
        rabbitmq,
        tmp_path_factory.mktemp("full"),
        PODCAST_GATEWAY_CONNECTIONS=str(FEW),
        PODCAST_GATEWAY_STRANGER_STALL_SECONDS=str(STALL_SECONDS),
    ) as services:
        yield services


def connect(url: str, source: str, stack: ExitStack, *, receives_bytes: int | None = None) -> socket.socket:
    """A connection from an address of loopback."""
    place = urlsplit(url)
    client = stack.enter_context(socket.socket())
    if receives_bytes is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives_bytes)
    client.settimeout(20)
    client.bind((source, 0))
    client.connect((place.hostname, place.port))
    return client


def answer(client: socket.socket, path: str = "/v1/keys/ffffffffffff") -> bytes:
    """What the gateway answers to a request with a key; empty if it closes the connection."""
    try:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {STACK_KEY}\r\n\r\n".encode())
        found = b""
        while part := client.recv(100_000):
            found += part
            head, end, body = found.partition(b"\r\n\r\n")
            if end and len(body) >= int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
                break
    except ConnectionError:
        return b""
    return found


def held(services: Services, source: str) -> int:
    """How many connections of an address the gateway holds.

    Its client may not notice: a reset is lost on whoever has no room for what came before it.
    """
    process = psutil.Process(services.workers[0].process.pid)
    return len([one for one in process.net_connections("tcp") if one.raddr and one.raddr.ip == source])


async def served(url: str, source: str) -> int:
    """The status that a client at this address gets."""
    transport = httpx.AsyncHTTPTransport(local_address=source)
    async with httpx.AsyncClient(
        base_url=url, transport=transport, headers={"Authorization": f"Bearer {STACK_KEY}"}, timeout=20
    ) as client:
        return (await client.get("/v1/keys/ffffffffffff")).status_code


async def test_one_address_has_so_many_connections_and_another_is_served(url: str) -> None:
    with ExitStack() as stack:
        taken = [connect(url, "127.0.0.3", stack) for _ in range(OF_AN_ADDRESS)]
        excess = [connect(url, "127.0.0.3", stack) for _ in range(RESERVE)]
        beyond = connect(url, "127.0.0.3", stack)
        refused = await asyncio.to_thread(answer, excess[0])
        assert b"503" in refused
        assert b"too-many-connections" in refused
        assert b"this address" in refused
        assert b'"alive":true' in await asyncio.to_thread(answer, excess[1], "/healthz"), (
            "health is answered all the same"
        )
        assert await asyncio.to_thread(answer, beyond) == b""
        assert b"404" in await asyncio.to_thread(answer, taken[0]), "those that it has are served"
        assert await served(url, OTHER_ADDRESS) == 404

    async def is_free() -> bool:
        return await served(url, "127.0.0.3") == 404

    await until(is_free, "the address may connect again when its connections have ended")


async def test_the_connections_of_a_proxy_are_not_limited_for_its_address(url: str) -> None:
    with ExitStack() as stack:
        clients = [connect(url, "127.0.0.100", stack) for _ in range(OF_AN_ADDRESS + RESERVE + 2)]
        assert b"404" in await asyncio.to_thread(answer, clients[-1])


async def test_a_stranger_who_does_not_read_is_cut_off_long_before_a_client_with_a_key(
    strict: Services, url: str
) -> None:
    with ExitStack() as stack:
        strangers = [connect(url, STRANGER, stack, receives_bytes=2_048) for _ in range(4)]
        known = connect(url, KNOWN, stack, receives_bytes=2_048)
        assert b"404" in await asyncio.to_thread(answer, known)
        for client in (*strangers, known):
            await asyncio.to_thread(client.sendall, OPENAPI * PIPELINED)
        assert held(strict, STRANGER) == 4
        await until(lambda: not held(strict, STRANGER), "the strangers are cut off", seconds=STALL_SECONDS / 2)
        assert held(strict, KNOWN) == 1, "who has a key may take more time"


async def test_strangers_that_do_not_read_give_way_when_all_connections_are_in_use(small: Services) -> None:
    """Even if they might stall for long: they would otherwise hold every connection of the gateway."""
    url = small.workers[0].health_url
    with ExitStack() as stack:
        strangers = [connect(url, STRANGER, stack, receives_bytes=2_048) for _ in range(FEW)]
        for client in strangers:
            await asyncio.to_thread(client.sendall, OPENAPI * PIPELINED)

        async def is_served() -> bool:
            async with with_key(url) as friend:
                return (await friend.get("/v1/keys/ffffffffffff")).status_code == 404

        await until(is_served, "a client with a key is served", seconds=STALL_SECONDS / 2)
        assert 0 < held(small, STRANGER) < FEW, "no more than need be"
