"""Chunks on the page: how each sounds, and all of them at a glance, while the job is under way."""

from __future__ import annotations

import pytest

from shared.protocol.messages import ChunkCounts, new_job_id
from shared.store import keys
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.test_job_lists import put
from tests.manifests import manifest

SOUND = b"fLaC" + bytes(range(256)) * 4


@pytest.fixture
async def job_id(gateway: Gateway) -> str:
    """A job under way, of which the first of two chunks is spoken."""
    job_id = new_job_id()
    made = manifest(["a", "b"], job_id=job_id)
    await gateway.store.put(keys.manifest(job_id), made.model_dump_json().encode())
    await gateway.store.put(made.chunks[0].audio_key, SOUND)
    return await put(gateway, job_id, "synthesizing", chunks=ChunkCounts(total=2, done=1, failed=0))


async def test_a_chunk_can_be_heard_as_soon_as_it_is_spoken(gateway: Gateway, job_id: str) -> None:
    path = f"/v1/jobs/{job_id}/chunks/0/audio"
    heard = await gateway.client.get(path)
    assert (heard.content, heard.headers["content-type"]) == (SOUND, "audio/flac")
    part = await gateway.client.get(path, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, SOUND[4:8])
    assert (await gateway.client.head(path)).headers["content-length"] == str(len(SOUND))


async def test_what_is_not_spoken_says_so(gateway: Gateway, job_id: str) -> None:
    waiting = await gateway.client.get(f"/v1/jobs/{job_id}/chunks/1/audio")
    assert (waiting.status_code, waiting.json()["type"]) == (409, "/problems/not-completed")
    for path in (f"{job_id}/chunks/2/audio", "nobody/chunks/0/audio"):
        assert (await gateway.client.get(f"/v1/jobs/{path}")).status_code == 404


async def test_a_timeline_is_there_from_the_beginning(gateway: Gateway, job_id: str) -> None:
    assert (await gateway.client.get(f"/v1/jobs/{job_id}/timeline")).json()["total"] == 2
    young = await put(gateway, new_job_id(), "chunking")
    assert (await gateway.client.get(f"/v1/jobs/{young}/timeline")).json()["states"] == ""
