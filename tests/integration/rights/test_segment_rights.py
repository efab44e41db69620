"""Synthesizer, assembler and retention at a real MinIO have the rights for mastered segments, and no others."""

from __future__ import annotations

import asyncio

import pytest

from services.assembler.handlers import assemble_episode
from shared.client.hls_stream import HlsStreams
from shared.client.sweeping import sweep
from shared.errors import StoreDown
from shared.protocol.messages import ChunkLost, EpisodeAssembled, EpisodeRequested, JobStatus
from shared.settings import Settings
from shared.store import keys
from shared.store.port import open_store
from tests.servers.rights import StoreUsers
from tests.unit.assembler.material import SENTENCES, manifest
from tests.unit.synthesizer.test_segmenting import Synthesizer, segments_in, speaks

WORD = "Hello."
LONG = " ".join(SENTENCES[:3])
TEXTS = (WORD, LONG, *SENTENCES, "Goodbye.")


async def test_segments_are_made_joined_and_swept_by_the_users_of_their_services(store_users: StoreUsers) -> None:
    admin = open_store(store_users.admin)
    job = manifest(TEXTS)
    await admin.put(keys.manifest("job"), job.model_dump_json().encode())
    synthesizer = Synthesizer(store_users.store("synthesizer"), seen_by=admin)
    for chunk in job.chunks:
        async with speaks(chunk.text) as server:
            synthesizer.settings = Settings(speech_url=server.url, speech_deadline_seconds=20)
            await synthesizer.handle(job.chunk_request(chunk.index))
    assert len(await segments_in(admin)) == len(TEXTS) - 1, "the first word came before the voice was learnt"

    published: list[EpisodeAssembled | ChunkLost] = []

    async def publish(message: EpisodeAssembled | ChunkLost) -> None:
        published.append(message)

    assembler = store_users.store("assembler")
    await assemble_episode(EpisodeRequested(job_id="job"), store=assembler, settings=Settings(), publish=publish)
    assert isinstance(published[0], EpisodeAssembled)
    assert len(await segments_in(admin)) == len(TEXTS)

    status = JobStatus(job_id="job", state="completed", submitted_at=0.0, updated_at=0.0)
    for user in ("gateway", "client"):
        streams = HlsStreams(store_users.store(user), default_rate=Settings().sample_rate, turns=asyncio.Semaphore(1))
        assert "#EXT-X-ENDLIST" in await streams.playlist(status)
        assert (await streams.fragment(status, 0)).is_final, "it has the gain of the voice"
    assert len(await segments_in(admin)) == len(TEXTS), "and stores nothing"

    [gain] = [key async for key in admin.list(keys.VOICE_GAINS)]
    for call in (assembler.delete(gain), synthesizer.store.delete(gain), synthesizer.store.page(keys.AUDIO)):
        with pytest.raises(StoreDown, match="AccessDenied"):
            await call

    removed = await sweep(store_users.store("coordinator"), safe_age_seconds=-60, without=frozenset({"job"}))
    assert removed.objects == 2 * len(TEXTS)
    assert [key async for key in admin.list(keys.AUDIO)] == []
