"""A failing speech server is shown to waiting users: with a real broker, synthesizer and HTTP server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import aio_pika
import pytest

from services.cli.progress_display import Lines, trouble
from services.synthesizer.app import build
from shared.client import broker
from shared.protocol import topology
from shared.protocol.messages import WorkRetried
from shared.runtime.broker import connected
from shared.runtime.publishing import Publisher
from shared.settings import Settings
from tests.integration.running import request, running
from tests.servers.speech_process import ToneSpeech
from tests.waiting import LIMIT_SECONDS, until


@pytest.fixture
def speech() -> Iterator[ToneSpeech]:
    with ToneSpeech() as server:
        yield server


async def test_a_server_that_answers_500_is_told_to_those_who_watch_that_job(
    amqp_url: str, file_store_url: str, speech: ToneSpeech, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, speech_url=speech.url, breaker_failures=100)
    speech.misbehave("status", status=500)
    heard: list[WorkRetried] = []
    others: list[WorkRetried] = []
    async with (
        running(build(settings)),
        broker.opened(settings) as client,
        client.events("mine", retried=heard.append),
        client.events("others", retried=others.append),
    ):
        for index in range(8):
            await client.publish(request(index, job_id="mine", text=f"Text number {index}."))
        await until(lambda: bool(heard), "the watcher hears of it")
        assert speech.calls(), "the server was asked, and answered 500"
        await until(lambda: any(event.tries > 1 for event in heard), "and of the next try", seconds=LIMIT_SECONDS)
    assert others == []
    first = heard[0]
    assert (first.job_id, first.service, first.tries) == ("mine", "synthesizer", 1)
    assert f"{speech.url} failed with HTTP 500" in first.reason
    assert 0 < first.next_seconds < 60
    assert len(heard) < len(speech.calls()), "at most one event a second, although 8 chunks fail"
    with Lines() as lines:
        lines.retried(first)
    shown = capsys.readouterr().err
    assert re.search(r"failed with HTTP 500.*; tried once, next in \d+ s\n$", shown), shown


async def test_a_server_that_is_down_is_told_too(amqp_url: str, file_store_url: str) -> None:
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url, speech_url="http://127.0.0.1:9")
    heard: list[WorkRetried] = []
    async with (
        running(build(settings)),
        broker.opened(settings) as client,
        client.events("mine", retried=heard.append),
    ):
        await client.publish(request(0, job_id="mine", text="Text number 0."))
        await until(lambda: bool(heard), "the watcher hears of it")
    assert re.search(r"127\.0\.0\.1:9.*; tried once, next in \d+ s$", trouble(heard[0]))


async def test_what_a_stranger_publishes_as_an_event_disturbs_no_watcher(amqp_url: str, file_store_url: str) -> None:
    settings = Settings(amqp_url=amqp_url, store_url=file_store_url)
    heard: list[WorkRetried] = []
    async with (
        broker.opened(settings) as client,
        connected(settings) as connection,
        connection.channel() as channel,
    ):
        await topology.declare(connection)
        async with client.events("mine", retried=heard.append):
            exchange = await channel.get_exchange(topology.EVENTS_EXCHANGE)
            for body in (b"", b"{}", b'{"job_id": "mine", "service": "s", "reason": "r", "tries": 1e999}'):
                await exchange.publish(aio_pika.Message(body), "retrying.mine")

            async def send(message: aio_pika.Message, where: str, key: str, mandatory: bool) -> None:
                await (await channel.get_exchange(where)).publish(message, key, mandatory=mandatory)

            await Publisher(send, deadline_seconds=5).retried(
                WorkRetried(job_id="mine", service="s", reason="r", tries=1, next_seconds=1.0)
            )
            await until(lambda: bool(heard), "the good one arrives")
    assert [event.reason for event in heard] == ["r"]
