"""Copies of dead letters: a job learns of its own, and a stranger's change nothing."""

from __future__ import annotations

import json

import pytest

from services.coordinator import handlers
from shared.errors import BadInput
from shared.protocol.messages import ChunkRequested, EpisodeAssembled, EpisodeRequested, JobRequest, TextSource
from shared.store import keys
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
    """It used to fail that job."""
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
    await harness.dies(honest.model_copy(update={"audio_key": "audio/z", "index": 99}))
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
        job_id="nobody", index=0, text="a", language="en", voice="v", model="m", speed=1.0, audio_key="audio/a"
    )
    await harness.dies(stray)
    assert not await harness.store.exists(keys.status("nobody"))


async def test_an_episode_names_only_objects_of_its_own_job(harness: Harness) -> None:
    await harness.submit("a")
    await harness.spoken(0, "a")
    theirs = EpisodeAssembled(
        job_id="job",
        files={"mp3": "jobs/another/episode.mp3"},
        audio_seconds=1.0,
        loudness_lufs=-19.0,
        true_peak_dbtp=-1.0,
        seconds=1.0,
    )
    with pytest.raises(BadInput, match="no object of that job"):
        await handlers.episode_assembled(theirs, jobs=harness.jobs, publish=harness.publish)
    assert (await harness.status()).state == "assembling"
