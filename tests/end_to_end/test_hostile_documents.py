"""Hostile documents in the queue of a real chunker, and a well-behaved job behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.protocol import envelope, topology
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JobRequest, ObjectSource, SourceFormat, TextSource
from shared.runtime.broker import connected
from shared.store import keys
from tests.corpus import documents as corpus
from tests.servers.rabbitmq import RabbitServer
from tests.servers.services import Services
from tests.waiting import until

HOSTILE: dict[str, tuple[SourceFormat, bytes]] = {
    "markdown": ("markdown", corpus.MARKDOWN["underscores between letters"]().encode()),
    "org": ("org", corpus.ORG["markers"]().encode()),
    "epub": ("epub", corpus.bomb_by_another_name()),
    "liar": ("epub", corpus.lying_header()),
    "aliases": ("markdown", corpus.MARKDOWN["YAML aliases"]().encode()),
}
"""The first two occupy both of the chunker's slots until their CPU time is used up, which takes 11 s each."""


@pytest.fixture
async def chunker(rabbitmq: RabbitServer, tmp_path: Path) -> AsyncIterator[Services]:
    amqp_url = rabbitmq.vhost()
    environment = {
        "PODCAST_AMQP_URL": amqp_url,
        "PODCAST_STORE_URL": (tmp_path / "store").as_uri(),
        "PODCAST_SPEECH_ENGINE": "none",
        "PODCAST_NORMALISE_TEXT": "false",  # what is heard is compared with what is written
        "PODCAST_CHUNKER_SLOTS": "2",
    }
    with Services(environment, tmp_path / "logs") as services:
        services.start("chunker")
        await services.ready()
        yield services
    rabbitmq.drop_vhost(amqp_url)


async def test_hostile_documents_are_refused_once_and_an_honest_job_behind_them_is_unharmed(chunker: Services) -> None:
    for name, (kind, data) in HOSTILE.items():
        key = keys.source(name, "document")
        await chunker.store.put(key, data)
        await chunker.submit(JobRequest(job_id=name, source=ObjectSource(key=key, format=kind)))
    await chunker.submit(JobRequest(job_id="honest", source=TextSource(text="An honest text.")))

    async def is_chunked() -> bool:
        return await chunker.store.exists(keys.manifest("honest"))

    async def all_are_dead() -> bool:
        return await chunker.ready_messages(topology.CHUNKER.dead) == len(HOSTILE)

    await until(is_chunked, "the honest job has its manifest", seconds=90)
    await until(all_are_dead, "every hostile document is a dead letter", seconds=120)
    manifest = Manifest.model_validate_json(await chunker.store.get(keys.manifest("honest")))
    assert [chunk.text for chunk in manifest.chunks] == ["An honest text."]
    async with connected(chunker.settings) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(topology.CHUNKER.dead, passive=True)
        for _ in HOSTILE:
            letter = await queue.get()
            assert letter.headers[envelope.EXCEPTION_TYPE] in {"TooLarge", "BadSource"}
            assert letter.headers[envelope.ATTEMPT] == 1, "what is refused for good is not tried again"
