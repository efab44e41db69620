"""The command line as a client of a real broker, before any service is running."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aio_pika
import pytest
from click.testing import CliRunner, Result

from services.cli.app import cli
from shared.client import broker
from shared.errors import BrokerDown
from shared.protocol import topology
from shared.protocol.messages import JobCancelRequested, JobEvent, JobRequest, JobStatus
from shared.runtime.publishing import Publisher
from shared.settings import Settings
from shared.store import keys
from shared.store.port import open_store

T = TypeVar("T")


@pytest.fixture
def settings(amqp_url: str, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A stack without services, to which the environment points."""
    monkeypatch.setenv("PODCAST_AMQP_URL", amqp_url)
    monkeypatch.setenv("PODCAST_STORE_URL", store_url)
    settings = Settings()
    asyncio.run(open_store(settings).ping())
    return settings


def podcast(*args: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin, prog_name="podcast")


def with_client(settings: Settings, work: Callable[[broker.Client], Awaitable[T]]) -> T:
    async def run() -> T:
        async with broker.opened(settings) as client:
            return await work(client)

    return asyncio.run(run())


def taken(settings: Settings, queue: str, count: int) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """The first messages of a queue. Consumes them: `basic.get` is refused on a single-active-consumer queue."""

    async def take() -> list[aio_pika.abc.AbstractIncomingMessage]:
        connection = await aio_pika.connect(settings.amqp_url)
        async with connection, connection.channel() as channel:
            source = await channel.get_queue(queue, ensure=False)
            async with source.iterator(no_ack=True, timeout=10) as messages:
                return [await anext(messages) for _ in range(count)]

    return asyncio.run(take())


def stored(settings: Settings, key: str) -> Any:
    return json.loads(asyncio.run(open_store(settings).get(key)))


def put_status(settings: Settings, status: JobStatus) -> None:
    asyncio.run(open_store(settings).put(keys.status(status.job_id), status.model_dump_json().encode()))


def a_status(state: str) -> JobStatus:
    return JobStatus.model_validate({"job_id": "j", "state": state, "submitted_at": 1.0, "updated_at": 2.0})


def test_a_job_waits_for_services_that_have_never_run(settings: Settings) -> None:
    submitted = podcast("submit", "-", "--title", "Grüße", stdin="Some words.")

    job_id = submitted.stdout.strip()
    assert (submitted.exit_code, submitted.stdout) == (0, f"{job_id}\n"), submitted.output
    for queue in ("chunker", "coordinator"):
        (message,) = taken(settings, queue, 1)
        assert JobRequest.model_validate_json(message.body).title == "Grüße"
        assert (message.correlation_id, message.type, message.delivery_mode) == (job_id, "job.submitted", 2)
    assert json.loads(podcast("status", job_id, "--json").stdout)["state"] == "queued"
    assert stored(settings, keys.request(job_id))["title"] == "Grüße"


def test_a_long_text_goes_through_the_store(settings: Settings, tmp_path: Path) -> None:
    book = tmp_path / "book.txt"
    book.write_text("A sentence of a long book. " * 5_000, encoding="utf-8")

    assert podcast("submit", book, "--id", "a-book").stdout == "a-book\n"

    (message,) = taken(settings, "chunker", 1)
    assert len(message.body) < 2_000
    source = json.loads(message.body)["source"]
    assert source["kind"] == "object"
    assert asyncio.run(open_store(settings).get(source["key"])) == book.read_bytes()


def test_cancelling_is_a_message_behind_the_job_itself(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.job_commands._CANCEL_PATIENCE_SECONDS", 0.1)
    podcast("submit", "-", "--id", "j", stdin="Some words.")

    cancelled = podcast("cancel", "j", "--reason", "a typo")

    assert (cancelled.exit_code, cancelled.stdout) == (0, "asked to stop; it will when a coordinator runs\n")
    submitted, cancel = taken(settings, "coordinator", 2)
    assert submitted.routing_key == "job.submitted"
    assert JobCancelRequested.model_validate_json(cancel.body) == JobCancelRequested(job_id="j", reason="a typo")


def test_there_is_nothing_to_cancel_in_a_job_that_has_ended(settings: Settings) -> None:
    put_status(settings, a_status("completed"))
    assert podcast("cancel", "j").exit_code == 2
    put_status(settings, a_status("cancelled"))
    assert podcast("cancel", "j").exit_code == 0


def test_watching_ends_as_the_job_ended(settings: Settings) -> None:
    put_status(settings, a_status("completed"))
    assert podcast("watch", "j").exit_code == 0
    put_status(settings, JobStatus.model_validate({**a_status("failed").model_dump(), "error": "No such voice."}))
    failed = podcast("watch", "j", "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["state"] == "failed"
    assert "No such voice." in failed.stderr


def test_a_watcher_hears_the_events_of_its_own_job_alone(settings: Settings) -> None:
    async def watch(client: broker.Client) -> JobStatus:
        connection = await aio_pika.connect(settings.amqp_url)
        async with connection, connection.channel() as channel:
            await topology.declare(connection)

            async def send(message: aio_pika.Message, exchange: str, routing_key: str, mandatory: bool) -> None:
                target = await channel.get_exchange(exchange, ensure=False)
                await target.publish(message, routing_key, mandatory=mandatory)

            publisher = Publisher(send, deadline_seconds=5)
            async with client.events("j") as heard:
                for job_id in ("other", "j"):
                    status = a_status("synthesizing").model_copy(update={"job_id": job_id})
                    await publisher.event(JobEvent(name="progressed", status=status))
                async with asyncio.timeout(10):
                    return await heard.get()

    assert with_client(settings, watch).job_id == "j"


def test_without_events_a_job_can_still_be_watched(settings: Settings) -> None:
    """On a broker where nothing was ever declared, there is nothing to listen to."""

    async def watch(client: broker.Client) -> bool:
        async with client.events("j") as heard:
            return heard.empty()

    assert with_client(settings, watch)


def test_a_wrong_password_cannot_reach_the_broker(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, rest = settings.amqp_url.partition("@")
    monkeypatch.setenv("PODCAST_AMQP_URL", f"{name}-wrong@{rest}")
    refused = podcast("submit", "-", stdin="Some words.")
    assert refused.exit_code == 3
    assert "-wrong" not in refused.stderr


def test_a_broker_that_goes_away_is_said_plainly(settings: Settings) -> None:
    async def publish(client: broker.Client) -> None:
        await client._connection.close()
        await client.publish(JobCancelRequested(job_id="j"))

    with pytest.raises(BrokerDown):
        with_client(settings, publish)
