"""The private servers that tests and local stacks run on."""

from __future__ import annotations

import asyncio
import ipaddress
import stat
from pathlib import Path

import aio_pika
import psutil
import pytest

from deploy.local.ports import is_free
from deploy.local.rabbitmq import RabbitNode
from shared.errors import BrokerDown
from shared.settings import Settings
from shared.store.port import open_store
from tests.servers.minio import MinioServer
from tests.servers.process import Process
from tests.servers.rabbitmq import RabbitServer
from tests.waiting import until

pytestmark = pytest.mark.anyio


def listens_on_the_loopback_only(process: Process | None) -> bool:
    assert process is not None
    addresses = [
        connection.laddr.ip
        for connection in psutil.Process(process.pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    # epmd and MinIO add ::1 on their own.
    return bool(addresses) and all(ipaddress.ip_address(address).is_loopback for address in addresses)


async def test_a_vhost_is_a_world_of_its_own(rabbitmq: RabbitServer, amqp_url: str) -> None:
    other_url = rabbitmq.vhost()
    async with await aio_pika.connect(amqp_url) as here, await aio_pika.connect(other_url) as there:
        await (await here.channel()).declare_queue("letters", durable=True, arguments={"x-queue-type": "quorum"})
        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await (await there.channel()).declare_queue("letters", passive=True)
    rabbitmq.drop_vhost(other_url)


def test_the_broker_listens_on_the_loopback_only(rabbitmq: RabbitServer) -> None:
    assert listens_on_the_loopback_only(rabbitmq.server)
    assert listens_on_the_loopback_only(rabbitmq.epmd)


def test_only_its_owner_can_read_the_brokers_secrets(rabbitmq: RabbitServer) -> None:
    directory = rabbitmq.node.directory
    assert stat.S_IMODE((directory / ".erlang.cookie").stat().st_mode) == 0o400
    assert stat.S_IMODE((directory / "rabbitmq.conf").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_the_ack_deadline_reaches_the_broker(rabbitmq: RabbitServer) -> None:
    assert rabbitmq.evaluate("application:get_env(rabbit, consumer_timeout).") == "{ok, {ok, 1800000}}"


def test_a_killed_broker_comes_back_with_its_messages(own_rabbitmq: RabbitServer) -> None:
    async def publish() -> None:
        async with await aio_pika.connect(own_rabbitmq.url) as connection:
            channel = await connection.channel()
            await channel.declare_queue("letters", durable=True, arguments={"x-queue-type": "quorum"})
            letter = aio_pika.Message(b"dear reader", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(letter, "letters", timeout=10)

    async def read() -> bytes:
        async with await aio_pika.connect(own_rabbitmq.url) as connection:
            queue = await (await connection.channel()).get_queue("letters")
            letter = await queue.get(timeout=60)  # a quorum queue elects its leader first
            assert letter is not None
            await letter.ack()
            return letter.body

    asyncio.run(publish())
    own_rabbitmq.settle()
    own_rabbitmq.kill()
    own_rabbitmq.start()
    assert asyncio.run(read()) == b"dear reader"


async def test_a_broker_without_its_port_mapper_leaves_none_behind(tmp_path: Path) -> None:
    own = RabbitServer(tmp_path / "broker")
    own.node.prepare()
    broker = Process(own.node.server(), own.log)
    try:
        await until(
            lambda: broker.ended() or not is_free(own.node.epmd_port), "it ends without a port mapper", seconds=60
        )
        assert is_free(own.node.epmd_port), "it has started a port mapper of its own"
    finally:
        broker.kill()


async def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    node = RabbitNode(tmp_path, amqp_port=20_000, epmd_port=20_001, dist_port=20_002, password="x", cookie="y")
    with pytest.raises(BrokerDown, match="port is taken"):
        await node.wait_ready(deadline_seconds=5, ended=lambda: "port is taken")


def test_minio_listens_on_the_loopback_only(minio: MinioServer) -> None:
    assert listens_on_the_loopback_only(minio.server)


async def test_each_store_keeps_what_it_is_given(store_url: str) -> None:
    store = open_store(Settings(store_url=store_url))
    await store.ping()
    await store.put("a/b", b"words")
    assert await store.get("a/b") == b"words"
