"""What a user may not publish reaches no handler by way of what the broker does not check either."""

from __future__ import annotations

from pathlib import Path

import aio_pika
import pytest
from aio_pika import IncomingMessage
from aiormq.exceptions import ChannelAccessRefused
from structlog.testing import capture_logs

from shared.protocol import envelope, topology
from shared.protocol.messages import ChunkRequested, ChunkSynthesized, JobCancelRequested, Message
from shared.protocol.topology import WorkQueue
from shared.runtime.broker import connected
from shared.runtime.service import Service
from shared.settings import Settings
from tests.integration.running import letters, ready_messages, request, running
from tests.servers.rights import BrokerUsers
from tests.waiting import until

SYNTHESIZED = ChunkSynthesized(
    job_id="job", index=0, audio_key=request().audio_key, audio_seconds=1.0, reused=False, seconds=1.0
)


def consuming(users: BrokerUsers, queue: WorkQueue, folder: Path, seen: list[object], *kinds: type[Message]) -> Service:
    """A service with the user of its role that notes what it is given."""
    settings = Settings(amqp_url=users.url(queue.name), store_url=folder.as_uri(), declare_topology=False)
    service = Service(settings, queue, slots=4, deadline_seconds=20)

    async def note(message: object) -> None:
        seen.append(message)

    for kind in kinds:

        @service.on(kind)
        async def handle(message: Message) -> None:
            await note(message)

    async def dead(copy: IncomingMessage) -> None:
        seen.append(copy)

    service.on_dead_letter(dead)
    return service


async def publish(users: BrokerUsers, role: str, message: aio_pika.Message, exchange: str, key: str) -> None:
    async with connected(Settings(amqp_url=users.url(role))) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await (await channel.get_exchange(exchange, ensure=False)).publish(message, key)


@pytest.mark.parametrize("header", ["CC", "BCC"])
async def test_a_header_with_more_routing_keys_leads_to_no_handler(
    broker_users: BrokerUsers, tmp_path: Path, header: str
) -> None:
    seen: list[object] = []
    forged = aio_pika.Message(
        request(666).model_dump_json().encode(), type=ChunkRequested.ROUTING_KEY, headers={header: ["chunk.requested"]}
    )
    with capture_logs() as logs:
        async with running(consuming(broker_users, topology.SYNTHESIZER, tmp_path, seen, ChunkRequested)):
            try:
                await publish(broker_users, "assembler", forged, topology.EXCHANGE, "chunk.lost")
            except ChannelAccessRefused:
                return  # a newer RabbitMQ looks at these headers too
            await until(
                lambda: [entry for entry in logs if entry["event"] == "misrouted"], "the forged message has come"
            )
            honest = aio_pika.Message(request(1).model_dump_json().encode(), type=ChunkRequested.ROUTING_KEY)
            await publish(broker_users, "coordinator", honest, topology.EXCHANGE, "chunk.requested")
            await until(lambda: seen, "the honest message is handled")
    assert [message.index for message in seen] == [1]  # type: ignore[attr-defined]
    assert await ready_messages(Settings(amqp_url=broker_users.url("admin")), topology.SYNTHESIZER.dead) == 0


async def test_a_message_is_believed_to_be_what_its_sender_may_publish_and_nothing_else(
    broker_users: BrokerUsers, tmp_path: Path
) -> None:
    seen: list[object] = []
    cancel = JobCancelRequested(job_id="job", reason="I say so").model_dump_json().encode()
    settings = Settings(amqp_url=broker_users.url("admin"))
    kinds = (ChunkSynthesized, JobCancelRequested)
    async with running(consuming(broker_users, topology.COORDINATOR, tmp_path, seen, *kinds)):
        disguised = aio_pika.Message(cancel, type=JobCancelRequested.ROUTING_KEY)
        await publish(broker_users, "synthesizer", disguised, topology.EXCHANGE, ChunkSynthesized.ROUTING_KEY)
        (letter,) = await letters(settings, topology.COORDINATOR.dead, 1)
        assert letter.headers[envelope.EXCEPTION_TYPE] == "Disguised"
        # A copy's headers say where it comes from; this one is no copy.
        headers = {envelope.ORIGIN_EXCHANGE: topology.DEAD_EXCHANGE, envelope.ORIGIN_ROUTING_KEY: "chunker"}
        claimed = aio_pika.Message(SYNTHESIZED.model_dump_json().encode(), headers=headers)
        await publish(broker_users, "synthesizer", claimed, topology.EXCHANGE, ChunkSynthesized.ROUTING_KEY)
        await until(lambda: seen, "it is handled as what it is")
    assert seen == [SYNTHESIZED]
