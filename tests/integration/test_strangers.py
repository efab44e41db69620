"""Messages from strangers, with a real broker: whatever they contain, they are answered, and the next is handled."""

from __future__ import annotations

import json
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aio_pika
import aiormq
import pytest
from pamqp import commands

from shared.errors import SpeechRejected
from shared.protocol import envelope, topology
from shared.protocol.messages import ChunkRequested
from shared.runtime.service import Service
from shared.settings import Settings
from tests.integration.running import letters, ready_messages, request, running
from tests.waiting import until

KILLS = 4
"""The index that the handler refuses."""


@pytest.fixture
def settings(amqp_url: str, file_store_url: str) -> Settings:
    return Settings(amqp_url=amqp_url, store_url=file_store_url, attempts_limit=2, grace_seconds=0.1)


def service(settings: Settings, handled: list[int]) -> Service:
    # One slot: if it is lost, everything stops.
    built = Service(settings, topology.SYNTHESIZER, slots=1, deadline_seconds=5)

    @built.on(ChunkRequested)
    async def chunk_requested(message: ChunkRequested) -> None:
        if message.index == KILLS:
            raise SpeechRejected("No.")
        handled.append(message.index)

    return built


def nested(depth: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for _ in range(depth):
        table = {"a": [table]}
    return table


@pytest.mark.parametrize(
    "headers",
    [
        # Infinite numbers are in tests/fuzz/test_headers.py: RabbitMQ itself closes a connection that sends one.
        {"x-attempt": 3.0e38, "x-waits": -3.0e38},
        {"x-attempt": 2**63 - 1, "x-waits": -(2**63)},
        {"x-attempt": nested(3), "x-waits": [1, 2]},
        {"x-attempt": datetime(2026, 1, 1, tzinfo=UTC), "x-waits": Decimal("1.5")},
        {"x-attempt": "9" * 10_000},
        {"x-attempts": json.dumps([{"attempt": 1, "at": "now", "error": "e" * 50_000}] * 2)},
        {"x-attempts": "[" * 50_000},
        {"x-attempts": json.dumps([1, None, {"error": 5}, {"attempt": "x"}])},
        {"x-attempts": bytearray(b"\xff\xfe")},
        {"x-not-before": 3.0e38, "x-still-seconds": -3.0e38},
        {"x-not-before": -1, "x-still-seconds": -5},
        {"x-not-before": "soon", "x-still-seconds": None},
        {"x-origin-exchange": "e" * 1_000, "x-origin-routing-key": "k" * 1_000},
        {"x-origin-exchange": bytearray(b"\xff"), "x-origin-routing-key": nested(2)},
        {"x-nested": nested(200)},
        {"x-many": ["x"] * 20_000},
        {f"x-{number}": "v" * 900 for number in range(100)},
        {"n" * 128: "a long name", "\u00e9" * 60: "of two bytes each"},
        {"x-suspect": "perhaps"},
    ],
    ids=lambda headers: next(iter(headers))[:20],
)
async def test_strange_headers_are_answered(settings: Settings, headers: dict[str, Any]) -> None:
    await _is_answered(
        settings, aio_pika.Message(request(KILLS).model_dump_json().encode(), headers=headers, type="chunk.requested")
    )


@pytest.mark.parametrize(
    "properties",
    [
        {"reply_to": "synthesizer"},
        {"reply_to": "amq.rabbitmq.reply-to-nowhere"},
        {"content_encoding": "gzip", "content_type": "x/" + "y" * 200},
        {"content_type": "application/json; charset=klingon"},
        {"priority": 255},
        {"correlation_id": "../../etc/passwd", "message_id": "../" * 80},
        {"message_id": "\u00e9" * 127, "type": "chunk.requested", "app_id": "\u00e9" * 127},
    ],
    ids=lambda properties: next(iter(properties)),
)
async def test_strange_properties_are_answered(settings: Settings, properties: dict[str, Any]) -> None:
    await _is_answered(settings, aio_pika.Message(request(KILLS).model_dump_json().encode(), **properties))


def nested_bytes(depth: int) -> bytes:
    table = struct.pack(">I", 0)
    for _ in range(depth):
        table = b"\x01aF" + table
        table = struct.pack(">I", len(table)) + table
    return table


FLAGS = commands.Basic.Properties.flags


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("timestamp", struct.pack(">Q", 2**64 - 1)),
        ("timestamp", struct.pack(">Q", 2**62)),
        ("message_id", b"\xff" + b"\xfe" * 255),
        ("correlation_id", b"\x03\xff\x00\xfe"),
        ("app_id", b"\x02\xc3\x28"),
        ("content_type", b"\x01\x80"),
        ("headers", nested_bytes(9_000)),
        ("headers", struct.pack(">I", 11) + b"\x01aT" + struct.pack(">Q", 2**63)),
        ("headers", struct.pack(">I", 5) + b"\x03\xff\xff\xffV"),
        ("headers", struct.pack(">I", 11) + b"\x01ad" + struct.pack(">d", 1e300)),
        ("headers", struct.pack(">I", 8) + b"\x01aD\xff\xff\xff\xff\xff"),
        ("headers", struct.pack(">I", 8) + b"\x01aS\x00\x00\x00\x01\xff"),
    ],
)
async def test_bytes_that_the_client_library_cannot_decode_cost_no_connection(
    settings: Settings, name: str, data: bytes
) -> None:
    """The broker passes them on unchanged; the library would lose its connection, and again at each redelivery."""

    class Raw(commands.Basic.Properties):
        def marshal(self) -> bytes:
            return struct.pack(">H", FLAGS[name]) + data

    body = request(KILLS).model_dump_json().encode()

    async def publish(_: Service) -> None:
        channel = await (await aiormq.connect(settings.amqp_url)).channel()
        await channel.basic_publish(
            body, exchange=topology.EXCHANGE, routing_key="chunk.requested", properties=Raw(), timeout=10
        )
        await channel.connection.close()

    letter = await _answered(settings, publish)
    assert letter.body == body
    assert letter.headers[envelope.EXCEPTION_MESSAGE] == "No."


async def test_a_message_that_expires_in_the_queue_or_has_an_odd_expiration_costs_nothing(settings: Settings) -> None:
    handled: list[int] = []
    async with running(service(settings, handled)) as app:
        for seconds in (0, 0.001, 10**6):
            message = aio_pika.Message(request(1).model_dump_json().encode(), expiration=seconds)
            await app.publish.raw(message, topology.EXCHANGE, "chunk.requested")
        await app.publish(request(5))
        await until(lambda: handled[-1:] == [5], "the message behind them")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"speed": float("nan")}, "speed"),
        ({"speed": float("inf")}, "speed"),
        ({"speed": 1e9}, "speed"),
        ({"index": -1}, "index"),
        ({"index": 10**30}, "index"),
        ({"index": True}, "index"),
        ({"text": ""}, "text"),
        ({"text": "x" * 100_000}, "text"),
        ({"voice": "v" * 1_000}, "voice"),
        ({"language": "e" * 1_000}, "language"),
        ({"job_id": "job\n"}, "job_id"),
        ({"job_id": "../other"}, "job_id"),
        ({"audio_key": "audio/x.flac"}, "audio_key"),
        ({"audio_key": "jobs/other/status.json"}, "audio_key"),
        ({"audio_key": "audio/" + "0" * 64 + ".flac\n"}, "audio_key"),
        ({"audio_key": "audio/" + "0" * 64 + "/../../jobs"}, "audio_key"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value,
)
async def test_what_is_over_a_limit_is_a_dead_letter_that_names_the_field_and_nothing_is_spoken(
    settings: Settings, change: dict[str, Any], named: str
) -> None:
    body = json.dumps({**json.loads(request(1).model_dump_json()), **change}).encode()
    handled: list[int] = []
    async with running(service(settings, handled)) as app:
        # As if one of our services had sent it: the limits do not depend on the sender.
        for app_id in ("podcast-engine", None):
            await app.publish.raw(aio_pika.Message(body, app_id=app_id), topology.EXCHANGE, "chunk.requested")
            (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
            assert f": {named}" in letter.headers[envelope.EXCEPTION_MESSAGE]
        await app.publish(request(5))
        await until(lambda: handled[-1:] == [5], "the message behind it")


async def test_a_message_from_the_future_is_handled_and_the_same_from_a_stranger_names_the_field(
    settings: Settings,
) -> None:
    body = json.dumps({**json.loads(request(9).model_dump_json()), "warmth": 0.7, "extra": {"deep": [1]}}).encode()
    handled: list[int] = []
    async with running(service(settings, handled)) as app:
        ours = aio_pika.Message(body, app_id="podcast-engine", type="chunk.requested")
        await app.publish.raw(ours, topology.EXCHANGE, "chunk.requested")
        await until(lambda: handled == [9], "the message of a newer version")
        await app.publish.raw(aio_pika.Message(body), topology.EXCHANGE, "chunk.requested")
        (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
    assert "warmth" in letter.headers[envelope.EXCEPTION_MESSAGE]
    assert handled == [9]


async def test_a_field_with_a_huge_name_is_a_dead_letter_with_a_reason_of_bearable_length(settings: Settings) -> None:
    """The reason is a header, and headers must fit into a frame."""
    body = json.dumps({**json.loads(request(1).model_dump_json()), "u" * 300_000: 1}).encode()
    handled: list[int] = []
    async with running(service(settings, handled)) as app:
        await app.publish.raw(aio_pika.Message(body), topology.EXCHANGE, "chunk.requested")
        await app.publish(request(5))
        (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
        await until(lambda: handled == [5], "the message behind it")
    assert "uuuu" in letter.headers[envelope.EXCEPTION_MESSAGE]


async def _is_answered(settings: Settings, message: aio_pika.Message) -> None:
    """Check that the message is a dead letter with its reason, and that the only slot handles the next one."""

    async def publish(app: Service) -> None:
        await app.publish.raw(message, topology.EXCHANGE, "chunk.requested")

    letter = await _answered(settings, publish)
    assert letter.headers[envelope.EXCEPTION_MESSAGE] == "No."
    assert letter.body == message.body


async def _answered(settings: Settings, publish: Callable[[Service], Awaitable[None]]) -> Any:
    handled: list[int] = []
    async with running(service(settings, handled)) as app:
        lost: list[object] = []
        app.on_disconnect.append(lambda: lost.append(1))
        await publish(app)
        await app.publish(request(5))
        (letter,) = await letters(settings, topology.SYNTHESIZER.dead, 1)
        await until(lambda: handled == [5], "the message behind it")
        assert not lost, "the connection was lost"
    assert await ready_messages(settings, topology.SYNTHESIZER.name) == 0
    return letter
