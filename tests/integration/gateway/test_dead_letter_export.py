"""The dead letters as JSON lines over HTTP: byte for byte, in bounded memory, for a bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import httpx
import psutil
import pytest

from shared.dead_letters import export
from shared.dead_letters.operator_lock import acquired
from shared.dead_letters.selection import Selection
from shared.protocol.topology import CHUNKER, SYNTHESIZER
from tests.integration.gateway.conftest import STACK_KEY, Gateway, environment, with_key
from tests.integration.test_dead_letters import Node, client, dead
from tests.servers.services import Services
from tests.waiting import until

PATH = "/v1/dead-letters/export"
OPERATION_SECONDS = 2
MEGABYTE = 1_000_000
LARGE_LETTERS = 100


@pytest.fixture
async def node(shared: Gateway) -> AsyncIterator[Node]:
    """The broker, with no dead letters."""
    async with client(shared.settings.amqp_url) as node:
        for queue in (CHUNKER, SYNTHESIZER):
            await (await node.channel.get_queue(queue.dead)).purge()
        yield node


async def exported(node: Node, selection: Selection | None = None) -> bytes:
    """What `podcast dlq export` writes beside the broker."""
    lines = bytearray()

    async def write(line: bytes) -> None:
        lines.extend(line)

    await export.written(node.letters, selection or Selection(), write)
    return bytes(lines)


def rest_of(connection: socket.socket) -> bytes:
    """What is still to be received; empty if the connection was reset."""
    received = bytearray()
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(MEGABYTE):
            received += data
    return bytes(received)


async def test_an_export_is_the_same_as_over_amqp_byte_for_byte(shared: Gateway, node: Node) -> None:
    strange = aio_pika.Message(
        b"\x00\xff\r\n" * 50_000,
        headers={
            "x-number": 1.5,
            "x-bytes": bytearray(b"\xfe"),
            "x-table": {"$bytes": "AA=="},
            "x-line": "a\u2028\x1b[2J",
        },
        priority=3,
        reply_to="somewhere",
        app_id="a stranger",
    )
    await node.dead_letter(dead(1), strange, aio_pika.Message(b""), dead(2, job_id="job-2"))
    await node.dead_letter(dead(3), queue=CHUNKER)

    answer = await shared.client.get(PATH)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="dead-letters.jsonl"'
    assert answer.content == await exported(node)
    lines = answer.text.splitlines()
    assert len(lines) == answer.content.count(b"\n") == 5
    assert strange.body in [export.message(line).body for line in lines]
    for query, selection in (
        ({"queue": "chunker"}, Selection(queues=(CHUNKER,))),
        ({"job_id": "job-2"}, Selection(job_id="job-2")),
        ({"reason": "The voice is unknown."}, Selection(reason="The voice is unknown.")),
        ({"job_id": "job-3"}, Selection(job_id="job-3")),
    ):
        some = await shared.client.get(PATH, params=query)
        assert (some.status_code, some.content) == (200, await exported(node, selection)), query
    assert await node.count(SYNTHESIZER.dead) + await node.count(CHUNKER.dead) == 5, "they stay where they are"
    newest = (await shared.client.get("/v1/audit", params={"limit": 5})).json()["records"]
    assert [(one["action"], one["target"], one["outcome"], one["results"]) for one in newest] == [
        ("dead-letters.export", "job_id job-3", "done", {"count": 0}),
        ("dead-letters.export", "reason The voice is unknown.", "done", {"count": 3}),
        ("dead-letters.export", "job_id job-2", "done", {"count": 1}),
        ("dead-letters.export", "queue chunker", "done", {"count": 1}),
        ("dead-letters.export", "all", "done", {"count": 5}),
    ]


async def test_what_goes_wrong_before_the_first_line_is_a_problem(shared: Gateway, node: Node) -> None:
    async with acquired(node.connection, doing="testing"):
        busy = await shared.client.get(PATH)
    assert (busy.status_code, busy.json()["type"]) == (409, "/problems/operator-busy")
    async with with_key(shared.url, await shared.key("submit", "read")) as reader:
        assert (await reader.get(PATH)).status_code == 403
    assert (await shared.client.get(PATH, params={"queue": "jobs"})).status_code == 422


async def test_many_large_letters_are_exported_in_bounded_memory(shared: Gateway, node: Node) -> None:
    await shared.client.get(PATH)
    await node.dead_letter(*(aio_pika.Message(os.urandom(MEGABYTE)) for _ in range(LARGE_LETTERS)))
    process = psutil.Process(shared.worker.process.pid)
    before = peak = process.memory_info().rss
    size_bytes = lines = 0
    async with shared.client.stream("GET", PATH) as answer:
        async for data in answer.aiter_raw():
            size_bytes += len(data)
            lines += data.count(b"\n")
            peak = max(peak, process.memory_info().rss)

    assert lines == LARGE_LETTERS
    assert size_bytes > LARGE_LETTERS * MEGABYTE
    print(f"resident: before {before / MEGABYTE:.1f} MB, peak {peak / MEGABYTE:.1f} MB")  # noqa: T201
    # About two batches of 32 MB; their lines alone would be 133 MB, with the letters 233.
    assert peak - before < LARGE_LETTERS * MEGABYTE, (before, peak)


async def test_a_client_that_reads_nothing_is_cut_off_and_the_letters_are_free(
    amqp_url: str, file_store_url: str, tmp_path: Path
) -> None:
    settings = {
        **environment(amqp_url, file_store_url),
        "PODCAST_GATEWAY_OPERATION_SECONDS": str(OPERATION_SECONDS),
    }
    with Services(settings, tmp_path / "logs") as services:
        (worker,) = services.start("gateway")
        await services.ready()
        address = urlsplit(worker.health_url)
        async with client(amqp_url) as node, with_key(worker.health_url) as audit:
            await node.dead_letter(*(aio_pika.Message(os.urandom(MEGABYTE)) for _ in range(30)))
            with socket.create_connection((address.hostname, address.port)) as lazy:
                head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {STACK_KEY}\r\n\r\n"
                lazy.sendall(head.encode())
                await asyncio.to_thread(lazy.recv, 1)

                async def has_ended() -> bool:
                    (record,) = (await audit.get("/v1/audit")).json()["records"]
                    return record["outcome"] == "failed"

                await until(has_ended, "the export is given up", seconds=20)
                async with acquired(node.connection, doing="testing", wait_seconds=5):
                    pass
                assert await node.count(SYNTHESIZER.dead) == 30
                assert not (await asyncio.to_thread(rest_of, lazy)).endswith(b"\r\n0\r\n\r\n")


async def test_an_export_that_is_broken_off_is_noticed_by_its_client(shared: Gateway, node: Node) -> None:
    await node.dead_letter(*(aio_pika.Message(os.urandom(MEGABYTE)) for _ in range(40)))
    async with shared.client.stream("GET", PATH) as answer:
        parts = answer.aiter_raw()
        await anext(parts)
        shared.services.strike(shared.worker)
        with pytest.raises(httpx.RemoteProtocolError):
            _ = [part async for part in parts]
    shared.services.restart(shared.worker)
    await shared.services.ready()
