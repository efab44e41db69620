"""On a real broker: each role's user is refused what belongs to others, however it tries to reach it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused

from deploy.broker.definitions import BrokerAccount
from shared.errors import BrokerDown
from shared.protocol import topology
from shared.protocol.messages import ChunkSynthesized, JobCancelRequested
from shared.protocol.roles import ROLES, Role
from shared.runtime.broker import connected, prepare, prepare_event_log
from shared.runtime.publishing import Publisher
from shared.settings import Settings
from tests.servers.rights import BrokerUsers

Try = Callable[[AbstractChannel], Awaitable[object]]
WORKERS = tuple(role for role in ROLES if role.consumes is not None)
SECONDS = 20


@asynccontextmanager
async def channel_of(users: BrokerUsers, role: str) -> AsyncIterator[AbstractChannel]:
    async with connected(Settings(amqp_url=users.url(role))) as connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def refused(users: BrokerUsers, role: str, *tries: Try) -> None:
    """Each on a channel of its own, since a refusal closes the channel."""
    async with connected(Settings(amqp_url=users.url(role))) as connection:
        for number, attempt in enumerate(tries):
            channel = await connection.channel(publisher_confirms=True)
            async with asyncio.timeout(SECONDS):
                try:
                    await attempt(channel)
                except ChannelAccessRefused:
                    continue
            pytest.fail(f"{role} was not refused try {number}")


async def ignore(_: object) -> None:
    """Takes a message and does nothing with it."""


def publishing(exchange: str, routing_key: str) -> Try:
    async def attempt(channel: AbstractChannel) -> None:
        target = await channel.get_exchange(exchange, ensure=False) if exchange else channel.default_exchange
        await target.publish(aio_pika.Message(b"{}"), routing_key, mandatory=False)

    return attempt


def on_queue(name: str, call: str) -> Try:
    async def attempt(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(name, ensure=False)
        if call == "consume":
            await queue.consume(ignore)
        elif call == "get":
            await queue.get(fail=False)
        elif call == "delete":
            await queue.delete(if_unused=False, if_empty=False)
        elif call == "bind":
            await queue.bind(topology.EXCHANGE, routing_key="#")
        else:
            await queue.purge()

    return attempt


@pytest.mark.parametrize("role", WORKERS, ids=lambda role: role.name)
async def test_a_service_is_refused_on_the_queues_of_others(broker_users: BrokerUsers, role: Role) -> None:
    others = [queue for queue in topology.WORK_QUEUES if queue is not role.consumes]
    for queue in others:
        reading = (on_queue(name, call) for name in (queue.name, queue.dead) for call in ("consume", "get", "purge"))
        changing = (on_queue(name, call) for name in (queue.name, queue.waits[0]) for call in ("delete", "bind"))
        writing = [publishing("", queue.name), publishing(topology.DEAD_EXCHANGE, queue.name)]
        if queue not in role.sends_back_to:
            writing.append(publishing(queue.direct_exchange, queue.name))
        await refused(broker_users, role.name, *reading, *changing, *writing)


@pytest.mark.parametrize("role", WORKERS, ids=lambda role: role.name)
async def test_a_service_publishes_its_own_messages_and_no_others(broker_users: BrokerUsers, role: Role) -> None:
    every = {message.ROUTING_KEY for queue in topology.WORK_QUEUES for message in queue.consumes}
    own = {message.ROUTING_KEY for message in role.publishes}
    await refused(broker_users, role.name, *(publishing(topology.EXCHANGE, key) for key in sorted(every - own)))
    if role.name != topology.COORDINATOR.name:
        await refused(broker_users, role.name, publishing(topology.EVENTS_EXCHANGE, "completed.somebody"))
    assert role.consumes is not None
    async with channel_of(broker_users, role.name) as channel:
        for key in sorted(own):
            await publishing(topology.EXCHANGE, key)(channel)
        for name in (role.consumes.name, *role.consumes.waits):
            await publishing(role.consumes.direct_exchange, name)(channel)
        await publishing(topology.DEAD_EXCHANGE, role.consumes.name)(channel)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
async def test_nobody_declares_or_removes_anything_that_is_shared(broker_users: BrokerUsers, role: Role) -> None:
    # The log is its readers' own, so they may remove it too.
    log = () if role.reads_event_log else (lambda channel: channel.queue_delete(topology.EVENT_LOG),)
    await refused(
        broker_users,
        role.name,
        *log,
        lambda channel: channel.declare_queue("mine", durable=True),
        lambda channel: channel.declare_exchange("mine", "fanout"),
        lambda channel: channel.exchange_delete(topology.EXCHANGE),
        publishing("amq.topic", "anything"),
        publishing("", topology.SYNTHESIZER.name),
    )


async def test_a_client_submits_and_watches_and_reads_no_queue(broker_users: BrokerUsers) -> None:
    reading = (
        on_queue(name, call)
        for queue in topology.WORK_QUEUES
        for name in (queue.name, queue.dead)
        for call in ("get", "purge")
    )
    keys = (publishing(topology.EXCHANGE, key) for key in ("chunk.synthesized", "job.completed", "job.reconcile"))
    await refused(broker_users, "client", *reading, *keys, on_queue(topology.EVENT_LOG, "consume"))
    async with channel_of(broker_users, "client") as channel:
        await topology.declare_listener(channel)
        await publishing(topology.EXCHANGE, "job.submitted")(channel)
        await publishing(topology.EXCHANGE, "preview.requested")(channel)


async def test_an_operator_reads_dead_letters_and_no_work(broker_users: BrokerUsers) -> None:
    for role in ("operator", "gateway"):
        await refused(broker_users, role, *(on_queue(queue.name, "get") for queue in topology.WORK_QUEUES))
        await refused(broker_users, role, *(on_queue(queue.dead, "delete") for queue in topology.WORK_QUEUES))
        async with channel_of(broker_users, role) as channel:
            for queue in topology.WORK_QUEUES:
                await on_queue(queue.dead, "get")(channel)


async def test_what_may_not_be_published_is_an_outage_that_says_whose_user_it_takes(broker_users: BrokerUsers) -> None:
    async with channel_of(broker_users, "synthesizer") as channel:

        async def send(message: aio_pika.Message, exchange: str, routing_key: str, mandatory: bool) -> None:
            target = await channel.get_exchange(exchange, ensure=False)
            await target.publish(message, routing_key, mandatory=mandatory)

        publish = Publisher(send, deadline_seconds=SECONDS)
        with pytest.raises(
            BrokerDown, match=r"does not let this user publish job\.cancel to podcast.*PODCAST_AMQP_URL"
        ):
            await publish(JobCancelRequested(job_id="j", reason="r"))


@pytest.mark.parametrize("declares", [True, False])
async def test_who_may_declare_nothing_finds_that_everything_is_there(
    broker_users: BrokerUsers, declares: bool
) -> None:
    for role in ROLES:
        settings = Settings(amqp_url=broker_users.url(role.name), declare_topology=declares)
        async with connected(settings) as connection:
            await prepare(connection, settings)


@pytest.mark.parametrize("declares", [True, False])
async def test_the_gateway_declares_the_log_that_it_reads_and_nobody_else_does(
    broker_users: BrokerUsers, declares: bool
) -> None:
    for role in sorted(ROLES, key=lambda role: role.reads_event_log):
        settings = Settings(amqp_url=broker_users.url(role.name), declare_topology=declares)
        async with connected(settings) as connection:
            if role.reads_event_log:
                await prepare_event_log(connection, settings)
            else:
                with pytest.raises(BrokerDown, match=f"no queue '{topology.EVENT_LOG}'"):
                    await prepare_event_log(connection, settings)
    # As a gateway whose rights are from before the log was its own.
    settings = Settings(amqp_url=broker_users.url("operator"), declare_topology=declares)
    async with connected(settings) as connection:
        await prepare_event_log(connection, settings)


async def test_who_may_declare_nothing_is_told_what_is_missing(broker_users: BrokerUsers) -> None:
    async with channel_of(broker_users, "admin") as channel:
        await channel.queue_delete(topology.ASSEMBLER.waits[0])
    settings = Settings(amqp_url=broker_users.url("chunker"), declare_topology=False)
    async with connected(settings) as connection:
        with pytest.raises(BrokerDown, match=r"no queue 'assembler\.wait\.1'.*Import the definitions"):
            await prepare(connection, settings)


async def test_definitions_and_services_declare_the_same(broker_users: BrokerUsers) -> None:
    """A queue that differed in one argument would be refused as a precondition that failed."""
    async with connected(Settings(amqp_url=broker_users.url("admin"))) as connection:
        await topology.declare(connection)
        await topology.declare_event_log(connection)


async def test_a_password_that_changes_leaves_connections_open_and_refuses_new_ones(broker_users: BrokerUsers) -> None:
    old = broker_users.url("synthesizer")
    async with connected(Settings(amqp_url=old)) as connection:
        channel = await connection.channel(publisher_confirms=True)
        account = broker_users.accounts["synthesizer"]
        broker_users.accounts["synthesizer"] = BrokerAccount(account.role, account.password[::-1], name=account.name)
        broker_users.import_definitions()
        await publishing(topology.EXCHANGE, ChunkSynthesized.ROUTING_KEY)(channel)
        with pytest.raises(BrokerDown, match=r"ACCESS_REFUSED.*PODCAST_AMQP_URL"):
            async with connected(Settings(amqp_url=old)):
                pass
        async with channel_of(broker_users, "synthesizer") as new:
            await publishing(topology.EXCHANGE, ChunkSynthesized.ROUTING_KEY)(new)


async def test_two_users_of_one_role_work_side_by_side_until_the_old_one_is_deleted(broker_users: BrokerUsers) -> None:
    account = broker_users.accounts["synthesizer"]
    second = BrokerAccount(account.role, account.password[::-1], name=f"{account.name}-2")
    broker_users.import_definitions(second)
    async with (
        connected(Settings(amqp_url=broker_users.url_of(account))) as old,
        connected(Settings(amqp_url=broker_users.url_of(second))) as new,
    ):
        for connection in (old, new):
            channel = await connection.channel(publisher_confirms=True)
            await publishing(topology.EXCHANGE, ChunkSynthesized.ROUTING_KEY)(channel)
        lost = asyncio.Event()
        old.close_callbacks.add(lambda *_: lost.set())
        broker_users.server.delete_user(account.user)
        async with asyncio.timeout(SECONDS):
            await lost.wait()
        await publishing(topology.EXCHANGE, ChunkSynthesized.ROUTING_KEY)(await new.channel(publisher_confirms=True))
