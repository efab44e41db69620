"""An episode of several parts, in both stores: joined ahead, copied by the store, and the same byte by byte."""

from __future__ import annotations

import pytest

from services.assembler.handlers import assemble_episode, join_ahead
from shared.audio import chunk_audio
from shared.protocol.messages import ChunkLost, EpisodeAssembled, EpisodePartRequested, EpisodeRequested
from shared.settings import Settings
from shared.store import keys
from shared.store.port import LEAST_PART_BYTES, Store, open_store
from tests.unit.assembler.material import RATE, SENTENCES, manifest, spoken

TEXTS = [f"{number}. {sentence}" for number in range(10) for sentence in SENTENCES]
PLAN = manifest(TEXTS, formats=("wav", "flac"))


@pytest.fixture
async def store(store_url: str) -> Store:
    opened = open_store(Settings(store_url=store_url))
    await opened.ping()
    for chunk in PLAN.chunks:
        await opened.put(chunk.audio_key, chunk_audio.encode(spoken(chunk.text), RATE))
    await opened.put(keys.manifest("job"), PLAN.model_dump_json().encode())
    return opened


async def assembled(store: Store) -> dict[str, bytes]:
    published: list[EpisodeAssembled | ChunkLost] = []

    async def publish(message: EpisodeAssembled | ChunkLost) -> None:
        published.append(message)

    await store.delete(keys.episode("job", "timing.json"))
    await assemble_episode(
        EpisodeRequested(job_id="job"), store=store, settings=Settings(sample_rate=RATE), publish=publish
    )
    assert isinstance(published[-1], EpisodeAssembled)
    return {name: await store.get(keys.episode("job", name)) for name in PLAN.request.formats}


async def test_an_episode_that_was_joined_ahead_is_copied_by_the_store_and_is_the_same(store: Store) -> None:
    first = await assembled(store)
    assert len(first["wav"]) > 3 * LEAST_PART_BYTES
    await store.put(keys.active("job"), b"")
    for chunks in (30, 31, 75):
        request = EpisodePartRequested(job_id="job", chunks=chunks)
        await join_ahead(request, store=store, settings=Settings(sample_rate=RATE))
    parts = [key async for key in store.list("jobs/job/parts/")]
    assert len([key for key in parts if key.startswith("jobs/job/parts/wav/")]) >= 4, "two parts, two objects each"

    assert await assembled(store) == first
    assert [key async for key in store.list("jobs/job/parts/")] == []
