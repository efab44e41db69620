"""From RabbitMQ 3.10 to 4.0: not on the old one's data, but with a new, empty broker in the middle of a job.

Needs root and another root folder with a newer RabbitMQ (`deploy/fresh_machine.sh` makes one with KEEP=1), named by
PODCAST_OTHER_RABBITMQ.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deploy.local.program import Program
from deploy.local.rabbitmq import RabbitNode
from shared.errors import BrokerDown
from shared.protocol import topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobRequest, TextSource
from shared.runtime.broker import connected
from shared.settings import Settings
from shared.store import keys
from tests.end_to_end import texts
from tests.fault.cluster import SHORT_DEADLINES
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import SERVICES, Services
from tests.servers.speech_process import ToneSpeech
from tests.waiting import until

OTHER = os.environ.get("PODCAST_OTHER_RABBITMQ", "")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not OTHER, reason="PODCAST_OTHER_RABBITMQ names no root folder with a newer RabbitMQ"),
]


@dataclass(frozen=True)
class NodeInRoot(RabbitNode):
    """A node that runs in another root folder, where its directory has the same path."""

    def epmd(self) -> Program:
        return _inside(super().epmd(), "/usr/bin/epmd")

    def server(self) -> Program:
        return _inside(super().server(), "/usr/lib/rabbitmq/bin/rabbitmq-server")


def _inside(program: Program, path: str) -> Program:
    return replace(program, argv=("chroot", OTHER, path, *program.argv[1:]))


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder with the same path in both roots."""
    name = f"podcast-{secrets.token_hex(4)}"
    inside, outside = Path(OTHER) / "tmp" / name, Path("/tmp") / name  # noqa: S108 - both have this folder
    inside.mkdir(mode=0o700)
    outside.symlink_to(inside)
    yield outside
    outside.unlink()
    shutil.rmtree(inside)


def newer(server: RabbitServer) -> RabbitServer:
    """The newer broker, with another's directory and ports."""
    fields = {name: getattr(server.node, name) for name in server.node.__dataclass_fields__}
    return RabbitServer(server.node.directory, node=NodeInRoot(**fields))


async def versions(server: RabbitServer) -> str:
    async with connected(Settings(amqp_url=server.url)) as connection:
        assert connection.transport is not None
        properties = connection.transport.connection.server_properties
        return str(properties["version"])


async def test_the_newer_broker_refuses_the_data_of_the_older_which_is_left_as_it_was(shared_folder: Path) -> None:
    older = RabbitServer(shared_folder)
    with contextlib.ExitStack() as stack:
        stack.callback(older.stop)
        await asyncio.to_thread(older.start)
        assert (await versions(older)).startswith("3.")
        async with connected(Settings(amqp_url=older.url)) as connection:
            await topology.declare(connection)
        await asyncio.to_thread(older.settle)
        await asyncio.to_thread(older.stop)

        other = newer(older)
        stack.callback(other.stop)
        with pytest.raises(BrokerDown) as refused:
            await asyncio.to_thread(other.start)
        assert "feature flag" in f"{refused.value}{other.log.read_text(errors='replace')}".lower()
        await asyncio.to_thread(other.stop)

        older.epmd = None
        await asyncio.to_thread(older.start)
        async with connected(Settings(amqp_url=older.url)) as connection, connection.channel() as channel:
            await channel.declare_queue(topology.SYNTHESIZER.name, passive=True)


async def test_a_job_goes_on_with_a_newer_empty_broker(shared_folder: Path, s3_store_url: str, tmp_path: Path) -> None:
    request = JobRequest(source=TextSource(text=texts.article(5_000, seed=9_901), format="markdown"), max_parallel=2)
    with contextlib.ExitStack() as stack:
        older = RabbitServer(shared_folder / "older")
        stack.callback(older.stop)
        await asyncio.to_thread(older.start)
        speech = stack.enter_context(ToneSpeech()).wait_ready()
        environment = {**SHORT_DEADLINES, "PODCAST_STORE_URL": s3_store_url, "PODCAST_SPEECH_URL": speech.url}
        before = stack.enter_context(Services({**environment, "PODCAST_AMQP_URL": older.url}, tmp_path / "before"))
        before.start(*SERVICES)
        await before.ready()
        speech.delay(1.0)
        await before.submit(request)

        async def some_are_finished() -> bool:
            found = await before.status(request.job_id)
            return found is not None and found.chunks.done > 2

        await until(some_are_finished, "some chunks are finished")
        await asyncio.to_thread(before.stop)
        await asyncio.to_thread(older.stop)
        finished = {key async for key in before.store.list(keys.AUDIO)}
        calls = len(speech.calls())
        speech.delay(0)

        other = newer(RabbitServer(shared_folder / "newer"))
        stack.callback(other.stop)
        await asyncio.to_thread(other.start)
        assert int((await versions(other)).split(".")[0]) >= 4
        after = stack.enter_context(Services({**environment, "PODCAST_AMQP_URL": other.url}, tmp_path / "after"))
        after.start(*SERVICES)
        await after.ready()
        await after.reaches(request.job_id, "completed")
        written, heard = await after.spoken(request, tmp_path)
        assert heard == written
        again = {call["text"] for call in speech.calls()[calls:]}
        manifest = Manifest.model_validate_json(await after.store.get(keys.manifest(request.job_id)))
        kept = {chunk.text for chunk in manifest.chunks if chunk.audio_key in finished}
        assert len(kept) > 2
        assert kept.isdisjoint(again), "no finished chunk is spoken again"
