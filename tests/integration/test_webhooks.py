"""Webhooks with a real broker, a real store and real receivers. Time is simulated by a schedule that is scaled down.

`SCHEDULE` is the real one with 2,000 seconds in one: its wait queues are the broker's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest

from services.webhooks.app import build
from shared.client import webhook_endpoints, webhook_payloads
from shared.client.webhook_endpoints import WebhookEndpoint
from shared.client.webhook_secrets import WebhookSecret, new_secret
from shared.dead_letters.browser import DeadLetters
from shared.dead_letters.selection import Selection
from shared.protocol import envelope, topology
from shared.protocol.messages import (
    JobCancelled,
    JobCompleted,
    JobEnded,
    JobFailed,
    JobRequest,
    JobWebhook,
    TextSource,
    new_job_id,
)
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from shared.store import keys
from tests.integration.running import letters, ready_messages, running
from tests.servers import webhook_receiver as receivers
from tests.servers.services import Services
from tests.servers.webhook_receiver import Answer, WebhookReceiver, accepting, answering
from tests.waiting import until

SCALE = 2_000
SCHEDULE = dataclasses.replace(
    topology.WEBHOOKS,
    name="webhooks-scaled",
    wait_seconds=tuple(seconds / SCALE for seconds in topology.WEBHOOK_WAIT_SECONDS),
)
HOUR_SECONDS = 3_600 / SCALE


@pytest.fixture
def settings(amqp_url: str, file_store_url: str) -> Settings:
    return Settings(
        amqp_url=amqp_url,
        store_url=file_store_url,
        webhook_allow="127.0.0.0/8",
        webhook_deadline_seconds=0.5,
        grace_seconds=0.1,
    )


@contextlib.asynccontextmanager
async def webhooks(settings: Settings, queue: topology.WorkQueue = SCHEDULE) -> AsyncIterator[Service]:
    """The service, with its own queue and schedule."""
    async with connected(settings) as connection:
        await topology.declare(connection, [queue])
    async with running(build(settings, queue=queue)) as app:
        yield app


async def registered(app: Service, receiver: WebhookReceiver, **fields: object) -> WebhookEndpoint:
    endpoint = webhook_endpoints.new_endpoint(receiver.url).model_copy(update=fields)
    await webhook_endpoints.add(app.store, endpoint)
    return endpoint


def ended(job_id: str = "", *, at: float = 4e9, error: str = "No such voice.") -> JobFailed:
    """A job's end; its time is far in the future, so that every endpoint of a test is older."""
    return JobFailed(job_id=job_id or new_job_id(), title="A Title", submitted_at=at - 9, ended_at=at, error=error)


def key(endpoint: WebhookEndpoint) -> str:
    return endpoint.secrets[0].key


async def test_a_receiver_that_was_down_for_an_hour_gets_it_when_it_is_back(settings: Settings) -> None:
    """Refusing, answering 500, too slow, redirecting: each is tried on and on, and is told once it can hear."""
    async with contextlib.AsyncExitStack() as there, webhooks(settings) as app:
        away = WebhookReceiver(accepting)
        async with away.listening():
            pass  # from here on, nothing listens on its port
        inside = await there.enter_async_context(WebhookReceiver(accepting).listening())
        failing = [
            WebhookReceiver(answer)
            for answer in (
                answering("500 Internal Server Error"),
                receivers.never,
                answering("302 Found", Location=inside.url),
            )
        ]
        for one in failing:
            await there.enter_async_context(one.listening())
        endpoints = {one.port: await registered(app, one) for one in (away, *failing)}

        event = ended(error="It has no chapters.")
        await app.publish.durable_event(event)
        await asyncio.sleep(HOUR_SECONDS)

        assert all(len(one.received) >= 2 for one in failing), "each has failed more than once"
        tried = {one.port: len(one.received) for one in failing}
        for one in failing:
            one.answer = accepting
        await there.enter_async_context(away.listening())
        await until(lambda: all(len(one.received) > tried.get(one.port, 0) for one in (away, *failing)), "all are told")

        for one in (away, *failing):
            payload = one.received[-1].verified(key(endpoints[one.port]))
            assert payload["type"] == "job.failed"
            assert payload["data"]["job_id"] == event.job_id
            assert payload["data"]["error"] == "It has no chapters."
            assert len({got.webhook_id for got in one.received}) == 1, "the same id each time"
        assert inside.connections == 0, "no redirect is followed"
        await until_settled(settings)
    assert await ready_messages(settings, SCHEDULE.dead) == 0


async def until_settled(settings: Settings, queue: topology.WorkQueue = SCHEDULE) -> None:
    """Wait until nothing waits to be sent."""

    async def nothing_waits() -> bool:
        return sum([await ready_messages(settings, name) for name in (queue.name, *queue.waits)]) == 0

    await until(nothing_waits, "nothing waits to be sent")


@pytest.mark.parametrize(
    "answer",
    [
        receivers.trickling_headers,
        receivers.trickling_body,
        receivers.endless_body,
        receivers.endless_headers,
        receivers.bombing,
        receivers.garbling,
        receivers.resetting,
    ],
)
async def test_a_hostile_receiver_costs_a_try_and_harms_no_other(settings: Settings, answer: Answer) -> None:
    hostile, honest = WebhookReceiver(answer), WebhookReceiver(accepting)
    async with hostile.listening(), honest.listening(), webhooks(settings) as app:
        first, second = await registered(app, hostile), await registered(app, honest)
        await app.publish.durable_event(ended())
        await until(lambda: honest.received and len(hostile.received) >= 2, "one is told, the other tried again")
        hostile.answer = accepting
        tried = len(hostile.received)
        await until(lambda: len(hostile.received) > tried, "it is told too")
        hostile.received[-1].verified(key(first))
        honest.received[0].verified(key(second))
        assert len(honest.received) == 1


async def test_a_slow_host_does_not_keep_others_waiting(settings: Settings) -> None:
    slow, quick = WebhookReceiver(receivers.never), WebhookReceiver(accepting)
    settings = settings.model_copy(update={"webhook_slots": 4, "webhook_deadline_seconds": 10.0})
    async with slow.listening(), quick.listening(), webhooks(settings, topology.WEBHOOKS) as app:
        # Turns are a host's, so the quick one is at another address of the same machine.
        endpoint = await registered(app, slow, url=slow.url.replace("127.0.0.1", "localhost"))
        await registered(app, quick, events=("job.cancelled",))
        for _ in range(20):
            await app.publish(webhook_payloads.of_test(endpoint.endpoint_id))
        await until(lambda: slow.connections == 1, "the slow one is being told")
        began = asyncio.get_running_loop().time()
        await app.publish.durable_event(
            JobCancelled(job_id="j", title="", submitted_at=4e9, ended_at=4e9, reason="no more")
        )
        await until(lambda: quick.received, "the quick one is told")
        assert asyncio.get_running_loop().time() - began < 15
        assert slow.connections <= 3, "it was slow all the time"


async def test_410_disables_an_endpoint_and_a_replay_after_enabling_it_delivers(settings: Settings) -> None:
    gone = WebhookReceiver(answering("410 Gone", b"unsubscribed"))
    async with gone.listening(), webhooks(settings, topology.WEBHOOKS) as app:
        endpoint = await registered(app, gone)
        event = ended()
        await app.publish.durable_event(event)
        await until(lambda: gone.received, "it is told")

        async def is_disabled() -> bool:
            return (await webhook_endpoints.find(app.store, endpoint.endpoint_id)).disabled_at is not None

        await until(is_disabled, "it is disabled")
        await app.publish.durable_event(ended())  # nobody to tell any more
        await app.publish(webhook_payloads.of_test(endpoint.endpoint_id))  # was under way when it was disabled

        async with connected(settings) as connection:
            operator = DeadLetters(connection, call_seconds=20)

            async def both() -> bool:
                return len(await operator.find(Selection(queues=(topology.WEBHOOKS,)))) == 2

            await until(both, "the letters")
            (first, second) = await operator.find(Selection(queues=(topology.WEBHOOKS,)))
            assert (first.error, first.job_id, first.queue) == ("EndpointGone", event.job_id, "webhooks")
            assert "unsubscribed" in first.reason
            assert (second.error, second.job_id) == ("EndpointDisabled", None)
            assert len(gone.received) == 1

            gone.answer = accepting
            await webhook_endpoints.change(
                app.store,
                endpoint.endpoint_id,
                lambda one: one.model_copy(update={"disabled_at": None, "disabled_reason": None}),
            )
            await operator.replay(Selection(queues=(topology.WEBHOOKS,)))
        await until(lambda: len(gone.received) == 3, "both are delivered")
        assert gone.received[0].webhook_id in {got.webhook_id for got in gone.received[1:]}
        for got in gone.received[1:]:
            got.verified(key(endpoint))
    assert await ready_messages(settings, topology.COORDINATOR.name) == 0, "no replay of a webhook reopens a job"


async def test_what_is_never_accepted_is_a_dead_letter_with_every_try_and_the_job_hears_nothing(
    settings: Settings,
) -> None:
    settings = settings.model_copy(update={"webhook_attempts_limit": 4})
    broken = WebhookReceiver(answering("500 No"))
    async with broken.listening(), webhooks(settings) as app, connected(settings) as connection:
        channel = await connection.channel()
        watching = await channel.declare_queue(exclusive=True)
        await watching.bind(topology.EVENTS_EXCHANGE, "#")
        endpoint = await registered(app, broken)
        event = ended()
        await app.publish.durable_event(event)
        (letter,) = await letters(settings, SCHEDULE.dead, 1)
        tried = envelope.attempts(dict(letter.headers))
        assert [attempt["attempt"] for attempt in tried] == [1, 2, 3, 4] == list(range(1, len(broken.received) + 1))
        assert letter.headers[envelope.JOB] == event.job_id
        assert "answered with 500" in str(letter.headers[envelope.EXCEPTION_MESSAGE])
        assert key(endpoint) not in str(letter.headers) + letter.body.decode()
        assert await watching.get(fail=False) is None, "a job's watchers are not told that its webhook is retried"
    assert await ready_messages(settings, topology.COORDINATOR.name) == 0


async def test_a_job_that_ends_again_is_told_again_and_the_same_end_twice_has_one_id(settings: Settings) -> None:
    there = WebhookReceiver(accepting)
    async with there.listening(), webhooks(settings) as app:
        await registered(app, there)
        first, again = ended("job", at=4e9), ended("job", at=4e9 + 60)
        for event in (first, first, again):
            await app.publish.durable_event(event)
        await until(lambda: len(there.received) == 3, "all are told")
    ids = [got.webhook_id for got in there.received]
    assert len(set(ids)) == 2
    assert sorted(ids.count(one) for one in set(ids)) == [1, 2]


async def test_while_a_secret_is_being_replaced_both_verify(settings: Settings) -> None:
    there = WebhookReceiver(accepting)
    async with there.listening(), webhooks(settings) as app:
        before = await registered(app, there)
        after = await webhook_endpoints.rotate(app.store, before.endpoint_id)
        await app.publish.durable_event(ended())
        await until(lambda: there.received, "it is told")
        assert key(before) != key(after)
        assert len(there.received[0].headers["webhook-signature"].split(" ")) == 2
        there.received[0].verified(key(before))
        there.received[0].verified(key(after))

        old = [secret.model_copy(update={"created_at": 0.0}) for secret in after.secrets]
        await webhook_endpoints.change(
            app.store, before.endpoint_id, lambda one: one.model_copy(update={"secrets": tuple(old)})
        )
        await app.publish.durable_event(ended())
        await until(lambda: len(there.received) == 2, "it is told again")
        there.received[1].verified(key(after))
        assert len(there.received[1].headers["webhook-signature"].split(" ")) == 1


async def test_a_jobs_own_address_is_told_with_its_own_secret_or_unsigned(settings: Settings) -> None:
    there = WebhookReceiver(accepting)
    secret = new_secret()
    async with there.listening(), webhooks(settings) as app:
        for job_id, secret_key in (("signed", keys.source("signed", "webhook-1.json")), ("unsigned", None)):
            own = JobWebhook.model_validate({"url": there.url, "secret_key": secret_key})
            request = JobRequest(job_id=job_id, source=TextSource(text="Hello."), webhook=own)
            await app.store.put(keys.request(job_id), request.model_dump_json().encode())
            if secret_key is not None:
                await app.store.put(secret_key, WebhookSecret.of(secret).model_dump_json().encode())
        signed = JobCompleted(
            job_id="signed",
            title="A Title",
            submitted_at=4e9,
            ended_at=4e9,
            files={"mp3": "jobs/signed/episode.mp3"},
            audio_seconds=3.5,
        )
        await app.publish.durable_event(signed)
        await until(lambda: len(there.received) == 1, "the first is told")
        await app.publish.durable_event(ended("unsigned"))
        await until(lambda: len(there.received) == 2, "the second is told")
    payload = there.received[0].verified(secret)
    assert payload["data"]["files"] == {"mp3": "/v1/jobs/signed/files/mp3"}
    assert (payload["data"]["audio_seconds"], payload["data"]["error"]) == (3.5, None)
    assert "webhook-signature" not in there.received[1].headers


async def test_an_endpoint_hears_only_what_it_wants_and_nothing_from_before_it_was_made(settings: Settings) -> None:
    there = WebhookReceiver(accepting)
    async with there.listening(), webhooks(settings) as app:
        await registered(app, there, events=("job.failed",))
        events: list[JobEnded] = [
            ended(at=1e9),
            JobCancelled(job_id="j", title="", submitted_at=4e9, ended_at=4e9, reason="no more"),
            ended("heard"),
        ]
        for event in events:
            await app.publish.durable_event(event)
        await until(lambda: there.received, "it is told")
        await until_settled(settings)
    assert [got.body.count(b'"heard"') for got in there.received] == [1]


async def test_what_is_on_its_way_to_a_removed_endpoint_is_dropped(settings: Settings) -> None:
    there = WebhookReceiver(answering("500 No"))
    async with there.listening(), webhooks(settings) as app:
        endpoint = await registered(app, there)
        await app.publish.durable_event(ended())
        await until(lambda: there.received, "it is tried")
        await webhook_endpoints.remove(app.store, endpoint.endpoint_id)
        await until_settled(settings)
    assert await ready_messages(settings, SCHEDULE.dead) == 0


async def test_a_damaged_endpoint_is_named_without_its_secret_and_harms_no_other(settings: Settings) -> None:
    there = WebhookReceiver(accepting)
    async with there.listening(), webhooks(settings) as app:
        await registered(app, there)
        damaged = webhook_endpoints.new_endpoint(there.url)
        text = damaged.model_dump_json().replace("whsec_", "hush_")
        await app.store.put(keys.webhook(damaged.endpoint_id), text.encode())
        await app.publish(webhook_payloads.of_test(damaged.endpoint_id))
        await app.publish.durable_event(ended())
        (letter,) = await letters(settings, SCHEDULE.dead, 1)
        await until(lambda: len(there.received) == 1, "the other is told")
    assert "cannot be read" in str(letter.headers[envelope.EXCEPTION_MESSAGE])
    assert key(damaged).removeprefix("whsec_")[:20] not in str(letter.headers)


async def test_nobody_consumes_and_the_queue_stays_bounded_while_jobs_go_on_ending(settings: Settings) -> None:
    """The service is optional; a full queue must not hold up the coordinator, which announces each job's end."""
    small = dataclasses.replace(topology.WEBHOOKS, name="webhooks-small", length_limit=5)
    async with connected(settings) as connection:
        await topology.declare(connection, [small])
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange(topology.EXCHANGE)
        async with asyncio.timeout(20):
            for _ in range(50):
                event = ended()
                message = envelope.outgoing(event, job_id=event.job_id)
                await exchange.publish(message, event.ROUTING_KEY, mandatory=True)

    async def bounded() -> bool:
        return (await ready_messages(settings, small.name), await ready_messages(settings, small.dead)) == (5, 5)

    await until(bounded, "the oldest have gone")


async def test_a_killed_service_sends_again_with_the_same_id(settings: Settings, tmp_path: Path) -> None:
    there = WebhookReceiver(receivers.never)
    environment = {
        "PODCAST_AMQP_URL": settings.amqp_url,
        "PODCAST_STORE_URL": settings.store_url,
        "PODCAST_WEBHOOK_ALLOW": "127.0.0.0/8",
    }
    with Services(environment, tmp_path / "logs") as services:
        (worker,) = services.start("webhooks")
        await services.ready()
        async with there.listening():
            endpoint = webhook_endpoints.new_endpoint(there.url)
            await webhook_endpoints.add(services.store, endpoint)
            async with services.publisher() as publish:
                await publish.durable_event(ended())
            await until(lambda: there.received, "it is being sent")
            services.kill(worker)
            assert worker.process.exit_code is not None
            there.answer = accepting
            services.restart(worker)
            await until(lambda: len(there.received) == 2, "it is sent again")
        log = services.log("webhooks")
    assert there.received[0].webhook_id == there.received[1].webhook_id
    assert there.received[0].body == there.received[1].body
    there.received[1].verified(key(endpoint))
    assert key(endpoint) not in log


async def test_a_strangers_message_names_no_receiver_and_stops_nobody(settings: Settings) -> None:
    there = WebhookReceiver(accepting)
    async with there.listening(), webhooks(settings) as app:
        await registered(app, there)
        for body in (b"{}", b'{"webhook_id": "msg_1", "payload": "x"}', b"\xff"):
            await app.publish.raw(aio_pika.Message(body), topology.EXCHANGE, "webhook.requested")
        await app.publish.durable_event(ended())
        assert len(await letters(settings, SCHEDULE.dead, 3)) == 3
        await until(lambda: len(there.received) == 1, "the honest one")
