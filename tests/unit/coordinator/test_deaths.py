"""Copies of dead letters: those of a job reach it, and those of strangers change nothing."""

from __future__ import annotations

import json

import pytest

from services.coordinator import handlers
from shared.protocol.messages import ChunkRequested, EpisodeRequested, JobRequest, TextSource
from shared.store import keys
from tests.audio_keys import audio_key_of
from tests.unit.coordinator.harness import Harness

GARBAGE = b'{"job_id": "job", "index": "one", "audio_key": 7}'


@pytest.mark.parametrize(
    ("queue", "kind", "body"),
    [
        ("synthesizer", "chunk.requested", GARBAGE),
        ("synthesizer", "chunk.synthesized", GARBAGE),
        ("synthesizer", "chunk.requested", b"\xff\x00 no JSON"),
        ("assembler", "episode.requested", b"[]"),
        ("chunker", "job.submitted", b'{"job_id": "job"}'),
        ("chunker", "job.of-another-kind", b'{"job_id": "job"}'),
        ("somewhere", "job.submitted", b'{"job_id": "job"}'),
    ],
)
async def test_a_malformed_message_with_another_jobs_id_changes_nothing_of_that_job(
    harness: Harness, queue: str, kind: str, body: bytes
) -> None:
    """It used to make that job fail."""
    await harness.submit("abc")
    harness.requests()
    before = await harness.status()
    await harness.dies(body, queue=queue, kind=kind, job_id="job")
    assert await harness.status() == before
    assert harness.published == []


async def test_a_malformed_job_with_the_id_of_one_that_is_being_chunked_changes_nothing_of_it(harness: Harness) -> None:
    await handlers.job_submitted(JobRequest(job_id="job", source=TextSource(text="Hello.")), jobs=harness.jobs)
    await harness.dies(b'{"job_id": "job", "speeed": 2}', queue="chunker", kind="job.submitted", job_id="job")
    assert (await harness.status()).state == "chunking"


async def test_a_well_formed_message_that_the_coordinator_did_not_send_changes_nothing(harness: Harness) -> None:
    await harness.submit("abc", max_parallel=3)
    honest = harness.wanted()[1]
    await harness.dies(honest.model_copy(update={"voice": "no such voice"}))
    await harness.dies(honest.model_copy(update={"audio_key": audio_key_of("z"), "index": 99}))
    await harness.dies(EpisodeRequested(job_id="job"))
    status = await harness.status()
    assert (status.state, status.chunks.failed) == ("synthesizing", 0)


async def test_a_malformed_job_that_nobody_else_has_submitted_is_told_to_its_sender(harness: Harness) -> None:
    body = json.dumps({"job_id": "job", "source": {"kind": "text", "text": "Hello."}, "speeed": 2}).encode()
    await harness.dies(body, queue="chunker", kind="job.submitted", job_id="job", reason="speeed is unknown")
    status = await harness.status()
    assert (status.state, status.error) == ("failed", "speeed is unknown")
    assert not await harness.store.exists(keys.active("job"))
    assert len(harness.announced) == 1


async def test_a_request_of_a_job_that_nobody_knows_is_no_job(harness: Harness) -> None:
    stray = ChunkRequested(
        job_id="nobody", index=0, text="a", language="en", voice="v", model="m", speed=1.0, audio_key=audio_key_of("a")
    )
    await harness.dies(stray)
    assert not await harness.store.exists(keys.status("nobody"))
