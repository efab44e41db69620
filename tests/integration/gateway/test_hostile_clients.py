"""Clients that hold connections, send too much, too slowly or not even HTTP; and everyone else meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.gateway.conftest import STACK_KEY, gateway_process, new_key, with_key
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services
from tests.waiting import until

CONNECTIONS = 20
HEADER_SECONDS = 1.0
REQUEST_SECONDS = 2.0
STALL_SECONDS = 2.0
LIMIT_BYTES = 1_000_000
UPLOADS = 4
AUTHORIZED = f"Host: x\r\nAuthorization: Bearer {STACK_KEY}\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def impatient(rabbitmq: RabbitServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway with little patience."""
    with gateway_process(
        rabbitmq,
        tmp_path_factory.mktemp("impatient"),
        PODCAST_GATEWAY_CONNECTIONS=str(CONNECTIONS),
        PODCAST_GATEWAY_HEADER_SECONDS=str(HEADER_SECONDS),
        PODCAST_GATEWAY_REQUEST_SECONDS=str(REQUEST_SECONDS),
        PODCAST_GATEWAY_STALL_SECONDS=str(STALL_SECONDS),
        PODCAST_GATEWAY_UPLOADS_LIMIT=str(UPLOADS),
        PODCAST_SOURCE_LIMIT_BYTES=str(LIMIT_BYTES),
    ) as services:
        yield services


@pytest.fixture(scope="module")
def url(impatient: Services) -> str:
    """Its address."""
    return impatient.workers[0].health_url


@dataclass
class Client:
    """A TCP connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, text: str | bytes) -> None:
        self.writer.write(text.encode() if isinstance(text, str) else text)
        await self.writer.drain()

    async def head(self) -> str:
        async with asyncio.timeout(15):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def rest(self) -> bytes:
        """Everything until the gateway closes the connection."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(15):
                return await self.reader.read()
        return b""

    async def problem(self) -> dict[str, object]:
        head = await self.head()
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        found: dict[str, object] = json.loads(await self.reader.readexactly(length))
        return found


@asynccontextmanager
async def connected(url: str, count: int = 1) -> AsyncIterator[list[Client]]:
    address = urlsplit(url)
    clients: list[Client] = []
    try:
        while len(clients) < count:
            clients += [Client(*await asyncio.open_connection(address.hostname, address.port))]
        yield clients
    finally:
        for client in clients:
            client.writer.transport.abort()


async def health_seconds(url: str) -> float:
    began = time.monotonic()
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/healthz", timeout=10)).status_code == 200
    return time.monotonic() - began


async def test_slow_headers_are_cut_off(url: str) -> None:
    async with connected(url, 3) as (silent, slow, pipelining):
        await slow.send("GET /healthz HTTP/1.1\r\nHost: x\r\n")
        await pipelining.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n")
        began = time.monotonic()

        async def trickle() -> None:
            with contextlib.suppress(ConnectionError):
                while not slow.reader.at_eof():
                    await slow.send("X-A: b\r\n")
                    await asyncio.sleep(0.1)

        trickling = asyncio.create_task(trickle())
        assert await slow.rest() == b""
        assert await silent.rest() == b""
        assert (await pipelining.rest()).count(b'"alive":true') == 1
        assert HEADER_SECONDS / 2 < time.monotonic() - began < HEADER_SECONDS + 4
        await trickling


async def test_a_body_that_trickles_is_a_problem_when_its_time_is_up(url: str) -> None:
    async with connected(url) as (slow,):
        await slow.send(f"POST /v1/jobs HTTP/1.1\r\n{AUTHORIZED}Content-Length: 1000\r\n\r\n{{")
        began = time.monotonic()

        async def trickle() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    await slow.send(" ")
                    await asyncio.sleep(0.1)

        trickling = asyncio.create_task(trickle())
        assert (await slow.problem())["type"] == "/problems/slow-request"
        assert REQUEST_SECONDS - 0.5 < time.monotonic() - began < REQUEST_SECONDS + 5
        await slow.rest()
        trickling.cancel()


async def test_connections_that_wait_give_way_to_new_ones(url: str) -> None:
    async with connected(url, 3 * CONNECTIONS) as idle:
        assert await health_seconds(url) < 5

        async def is_served() -> bool:
            async with with_key(url) as friend:
                return (await friend.get("/v1/keys/ffffffffffff")).status_code == 404

        await until(is_served, "a new client is served", seconds=HEADER_SECONDS + 1)
        assert await idle[0].rest() == b""


async def test_health_is_answered_while_all_connections_are_in_use(url: str) -> None:
    async with connected(url, CONNECTIONS) as busy:
        for client in busy:
            await client.send(f"POST /v1/jobs HTTP/1.1\r\n{AUTHORIZED}Content-Length: 1000\r\n\r\n")

        async def is_full() -> bool:
            async with with_key(url) as friend:
                refused = await friend.get("/v1/keys/ffffffffffff")
            return refused.status_code == 503 and refused.json()["type"] == "/problems/too-many-connections"

        await until(is_full, "all connections are in use", seconds=REQUEST_SECONDS)
        assert await health_seconds(url) < 5
        assert {(await client.problem())["type"] for client in busy} == {"/problems/slow-request"}
    async with with_key(url) as friend:
        assert (await friend.get("/v1/keys/ffffffffffff")).status_code == 404


async def test_a_client_that_sends_too_much_is_told_while_it_sends(url: str) -> None:
    async with connected(url, 2) as (announced, bomb):
        await announced.send(f"POST /v1/jobs HTTP/1.1\r\n{AUTHORIZED}Content-Length: 50000000\r\n\r\n")
        await announced.send(b"x" * 3_000_000)
        assert (await announced.problem())["type"] == "/problems/too-large"

        await bomb.send(f"POST /v1/jobs HTTP/1.1\r\n{AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(30):
                while True:
                    await bomb.send(b"40000\r\n" + b" " * 0x40000 + b"\r\n")
                    sent += 0x40000
        assert sent < 200_000_000
        assert b"/problems/too-large" in bomb.reader._buffer  # type: ignore[attr-defined]


async def test_a_key_has_its_share_of_the_uploads_and_another_still_gets_through(impatient: Services, url: str) -> None:
    other = await new_key(impatient.store, "submit")
    form = (
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nOne'
    )
    folder = Path(impatient.environment["TMPDIR"])

    async def begin(client: Client, token: str) -> None:
        await client.send(f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{form}")

    def under_way(count: int) -> bool:
        return len([path for path in folder.glob("podcast-gateway-*/*") if path.is_dir()]) == count

    async with connected(url, UPLOADS + 2) as clients:
        for client in clients[: UPLOADS // 2]:
            await begin(client, STACK_KEY)
        await until(lambda: under_way(UPLOADS // 2), "the key has its share", seconds=REQUEST_SECONDS)
        await begin(clients[-1], STACK_KEY)
        refused = await clients[-1].problem()
        for client in clients[UPLOADS // 2 : UPLOADS]:
            await begin(client, other)
        await until(lambda: under_way(UPLOADS), "the other one's are taken", seconds=REQUEST_SECONDS)
        await begin(clients[-2], other)
        full = await clients[-2].problem()
    assert (refused["type"], refused["status"]) == ("/problems/key-share-taken", 429)
    assert f"{UPLOADS // 2} of {UPLOADS} uploads" in str(refused["detail"])
    assert (full["type"], full["status"]) == ("/problems/unavailable", 503)
    await until(lambda: under_way(0), "all of them ended with their clients")


async def test_without_a_key_a_body_is_not_read(url: str) -> None:
    async with connected(url, 2) as (stranger, friend):
        body = json.dumps({"text": "Hello."})
        head = f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
        await stranger.send(f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\n{head}")
        assert " 401 " in (await stranger.head()).splitlines()[0]

        await friend.send(f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {STACK_KEY}\r\n{head}")
        assert " 100 " in await friend.head()
        await friend.send(body)
        assert " 202 " in (await friend.head()).splitlines()[0]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 400_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_problem_and_the_end(url: str, sent: bytes) -> None:
    async with connected(url) as (client,):
        await client.send(sent)
        answer = await client.rest()
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), answer
    assert b"/problems/bad-request" in answer
    assert await health_seconds(url) < 5


async def test_a_broken_chunk_after_the_answer_ends_the_connection(url: str) -> None:
    async with connected(url) as (client,):
        await client.send("POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert (await client.problem())["type"] == "/problems/unauthenticated"
        await client.send("not a chunk\r\n")
        assert await client.rest() == b""


async def test_a_broken_chunk_before_the_answer_is_a_problem(url: str) -> None:
    async with connected(url) as (client,):
        await client.send(f"POST /v1/jobs HTTP/1.1\r\n{AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await client.send("not a chunk\r\n")
        assert (await client.problem())["type"] == "/problems/bad-request"
        assert await client.rest() == b""


@pytest.mark.parametrize("host", ["[", "[::1", "x:y:z", "\\", "a b"])
async def test_a_strange_host_is_no_error_inside_the_gateway(url: str, host: str) -> None:
    async with connected(url) as (client,):
        await client.send(f"GET /nowhere/ HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert (await client.problem())["type"] == "/problems/no-such-route"


async def test_pipelined_requests_are_answered_in_order(url: str) -> None:
    async with connected(url) as (client,):
        await client.send(
            "".join(
                f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {number}\r\n\r\n"
                for number, path in enumerate(["/healthz", "/nowhere", "/readyz", "/healthz"])
            )
        )
        ids = []
        for _ in range(4):
            head = await client.head()
            ids.append(head.lower().split("x-request-id: ")[1].split("\r\n")[0])
            await client.reader.readexactly(int(head.lower().split("content-length: ")[1].split("\r\n")[0]))
    assert ids == ["0", "1", "2", "3"]


async def test_a_client_that_does_not_read_is_cut_off(url: str) -> None:
    async with connected(url) as (client,):
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        asks = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 4_000
        client.writer.write(asks.encode())

        def is_cut() -> bool:
            client.writer.write(b"\r\n")
            return client.writer.transport.is_closing()

        await until(is_cut, "the connection is cut off", seconds=STALL_SECONDS + 20)
    assert await health_seconds(url) < 5


async def test_the_loop_turns_while_many_ask(url: str) -> None:
    limits = httpx.Limits(max_connections=CONNECTIONS // 2)
    headers = {"Authorization": f"Bearer {STACK_KEY}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60) as friend:

        async def ask(number: int) -> int:
            return (await friend.post("/v1/jobs", json={"text": f"Hello {number}. " * 2_000})).status_code

        asking = asyncio.gather(*(ask(number) for number in range(100)))
        waits = []
        while not asking.done():
            waits.append(await health_seconds(url))
        assert set(await asking) == {202}
        shown = (await friend.get("/metrics")).text
    longest = "podcast_loop_lag_max_seconds "
    lag = next(float(line.split()[1]) for line in shown.splitlines() if line.startswith(longest))
    assert lag < 1, "the watchdog would log it"
    assert sorted(waits)[len(waits) // 2] < 1
