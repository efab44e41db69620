"""A broker of three nodes loses one of them, the leader of the queues, in the middle of ten jobs."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import DeliveryError

from shared.protocol import topology
from shared.protocol.messages import ChunkRequested, JobRequest
from shared.runtime.broker import connected
from shared.runtime.publishing_channel import PublishingChannel
from shared.settings import Settings
from tests.fault.cluster import SHORT_DEADLINES, Cluster, job, unheard_text
from tests.servers.minio import MinioServer
from tests.servers.namespaces import Hosts, can_make
from tests.servers.rabbitmq import RabbitServer
from tests.servers.rabbitmq_cluster import NODES, RabbitCluster, running
from tests.servers.services import SERVICES, Services, free_port
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

JOBS = 10
CHUNKS = 6
CALL_SECONDS = 0.4
NETWORK = "10.213.77"
NOTICED_SECONDS = 60.0
REJOINED_SECONDS = 120.0


class ClusterOfBrokers(Cluster):
    """Services that know the addresses of all three nodes, and no proxies."""

    brokers: RabbitCluster

    def behind_proxies(self) -> dict[str, str]:
        return {}

    @property
    def vhost(self) -> str:
        return self.services.environment["PODCAST_AMQP_URL"].rpartition("/")[2]

    async def leader_of(self, queue: str, *, asked: RabbitServer) -> RabbitServer:
        """The node that leads a queue, waiting until there is one."""
        found: list[RabbitServer] = []

        async def is_led() -> bool:
            leaders = await asyncio.to_thread(self.brokers.leaders, asked, self.vhost)
            found[:] = [leaders[queue]] if queue in leaders else []
            return bool(found)

        await until(is_led, f"{queue} has a leader", seconds=NOTICED_SECONDS)
        return found[0]

    async def all_members_up(self) -> None:
        """Wait until every queue has a member that is up on each node."""

        async def up() -> bool:
            members = await asyncio.to_thread(self.brokers.members_up, self.brokers.nodes[0], self.vhost)
            return bool(members) and set(members.values()) == {NODES}

        await until(up, "every queue has three members that are up", seconds=REJOINED_SECONDS)

    def another_than(self, node: RabbitServer) -> RabbitServer:
        return next(other for other in self.brokers.nodes if other is not node)


@contextlib.asynccontextmanager
async def opened(directory: Path, minio: MinioServer, hosts: Hosts | None = None) -> AsyncIterator[ClusterOfBrokers]:
    """The brokers and all services, two of each that works on pieces."""
    with contextlib.ExitStack() as stack:
        brokers = RabbitCluster(directory, hosts)
        stack.callback(brokers.stop)
        await asyncio.to_thread(brokers.start)
        await brokers.joined()
        first, second = (stack.enter_context(ToneSpeech(free_port())).wait_ready() for _ in range(2))
        environment = {
            **SHORT_DEADLINES,
            "PODCAST_AMQP_URL": brokers.urls(brokers.nodes[0].vhost()),
            "PODCAST_STORE_URL": minio.bucket(),
            "PODCAST_SPEECH_URL": f"{first.url},{second.url}",
        }
        services = stack.enter_context(Services(environment, directory / "logs"))
        failpoints = directory / "failpoints"
        failpoints.mkdir()
        cluster = ClusterOfBrokers(brokers.nodes[0], minio, (first, second), {}, services, failpoints, store_disk=False)
        cluster.brokers = brokers
        await services.store.ping()
        await asyncio.to_thread(cluster._keep_versions)
        cluster.start(*SERVICES, "coordinator", "synthesizer", "assembler")
        await services.ready()
        await cluster.all_members_up()
        for node in brokers.nodes:
            await asyncio.to_thread(node.settle)
        try:
            yield cluster
        except BaseException:
            cluster.show_logs()
            raise


def ten_jobs() -> list[JobRequest]:
    return [job(unheard_text(CHUNKS)) for _ in range(JOBS)]


async def in_the_middle(cluster: ClusterOfBrokers, requests: list[JobRequest]) -> None:
    """Submit the jobs, and wait until one is finished in part and the last one has begun."""
    cluster.slow_down(CALL_SECONDS)
    await cluster.services.submit(*requests)
    await cluster.services.reaches(requests[-1].job_id, "synthesizing")

    async def some_finished() -> bool:
        return len(await asyncio.to_thread(cluster._first_finished)) > CHUNKS

    await until(some_finished, "some chunks are finished")
    assert await is_under_way(cluster, requests)


async def is_under_way(cluster: ClusterOfBrokers, requests: list[JobRequest]) -> bool:
    """Whether a job is being spoken."""
    found = [await cluster.services.status(request.job_id) for request in requests]
    return any(status is not None and status.state == "synthesizing" for status in found)


async def test_the_leader_of_the_queues_is_killed_in_the_middle_of_ten_jobs(tmp_path: Path, minio: MinioServer) -> None:
    async with opened(tmp_path, minio) as cluster:
        requests = ten_jobs()
        await in_the_middle(cluster, requests)
        leader = await cluster.leader_of(topology.SYNTHESIZER.name, asked=cluster.brokers.nodes[0])
        witness = cluster.another_than(leader)
        leader.kill()
        assert await is_under_way(cluster, requests)
        await until(lambda: len(running(witness)) == NODES - 1, "the node is missed", seconds=NOTICED_SECONDS)
        successor = await cluster.leader_of(topology.SYNTHESIZER.name, asked=witness)
        assert successor is not leader
        await cluster.proves(*requests)

        await asyncio.to_thread(cluster.brokers.start_again, leader)
        await cluster.brokers.joined()
        await cluster.all_members_up()


@pytest.mark.long
async def test_a_channel_that_refuses_since_its_queue_lost_its_leader_is_replaced(tmp_path: Path) -> None:
    brokers = RabbitCluster(tmp_path)
    try:
        await asyncio.to_thread(brokers.start)
        await brokers.joined()
        if '"4.' in await asyncio.to_thread(brokers.nodes[0].evaluate, "rabbit_misc:version()."):
            pytest.skip("RabbitMQ 4 refuses nothing: it keeps a message until its queue has a leader.")
        vhost = brokers.nodes[0].vhost()
        async with connected(Settings(amqp_url=vhost)) as connection:
            await topology.declare(connection)
        for node in brokers.nodes:
            await asyncio.to_thread(node.settle)
        leaders = await asyncio.to_thread(brokers.leaders, brokers.nodes[0], vhost.rpartition("/")[2])
        leader = leaders[topology.SYNTHESIZER.name]
        witness = next(node for node in brokers.nodes if node is not leader)
        async with connected(Settings(amqp_url=witness.node.url(vhost.rpartition("/")[2]))) as connection:
            leader.kill()
            refusing = await refusing_channel(connection)
            # The fault took effect if it is that channel and no other that is refused.
            await until(lambda: is_taken(PublishingChannel(), connection), "a new channel is not refused")
            assert not await is_taken(refusing, connection, as_it_is=True)
            await until(lambda: is_taken(refusing, connection, as_it_is=True), "it is replaced")
    finally:
        await asyncio.to_thread(brokers.stop)


async def refusing_channel(connection: AbstractConnection) -> PublishingChannel:
    """A channel whose first message was refused."""
    for _ in range(100):
        channel = PublishingChannel()
        if not await is_taken(channel, connection):
            return channel
    raise AssertionError("no message was refused: a leader was elected at once")


async def is_taken(channel: PublishingChannel, connection: AbstractConnection, *, as_it_is: bool = False) -> bool:
    """Whether the broker takes a message."""
    if not as_it_is:
        channel.use(connection)
        channel._replaced_at = time.monotonic()  # not at the first refusal
    try:
        await channel.send(aio_pika.Message(b""), topology.EXCHANGE, ChunkRequested.ROUTING_KEY, mandatory=True)
    except DeliveryError:
        return False
    return True


@pytest.mark.long
async def test_every_node_is_restarted_in_turn_during_ten_jobs(tmp_path: Path, minio: MinioServer) -> None:
    async with opened(tmp_path, minio) as cluster:
        requests = ten_jobs()
        await in_the_middle(cluster, requests)
        for node in cluster.brokers.nodes:
            assert node.server is not None
            await asyncio.to_thread(node.server.stop)
            await asyncio.to_thread(cluster.brokers.start_again, node)
            await cluster.brokers.joined()
            await cluster.all_members_up()
        await cluster.proves(*requests)


@pytest.mark.long
@pytest.mark.parametrize("which", ["the leader", "a follower"])
async def test_a_node_is_cut_off_from_the_others_and_pauses(tmp_path: Path, minio: MinioServer, which: str) -> None:
    if not can_make():
        pytest.skip("needs the right to make network namespaces")
    with Hosts(NODES, NETWORK) as hosts:
        async with opened(tmp_path, minio, hosts) as cluster:
            requests = ten_jobs()
            await in_the_middle(cluster, requests)
            leader = await cluster.leader_of(topology.SYNTHESIZER.name, asked=cluster.brokers.nodes[0])
            lost = leader if which == "the leader" else cluster.another_than(leader)
            witness = cluster.another_than(lost)
            number = cluster.brokers.nodes.index(lost)
            hosts.cut_off(number)
            assert await is_under_way(cluster, requests)
            await until(lambda: len(running(witness)) == NODES - 1, "the node is missed", seconds=NOTICED_SECONDS)
            successor = await cluster.leader_of(topology.SYNTHESIZER.name, asked=witness)
            assert successor is not lost
            await cluster.proves(*requests)

            assert "pause_minority" in lost.log.read_text() or "minority" in lost.log.read_text()
            hosts.reconnect(number)
            await cluster.brokers.joined()
            await cluster.all_members_up()
