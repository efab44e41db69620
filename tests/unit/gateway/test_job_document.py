"""The document that the API shows of a job: everything that a client may know, and what follows from it."""

from __future__ import annotations

import pytest

from services.gateway.job_document import Job, job_of
from services.gateway.job_progress import estimated_seconds_left, progress
from shared.protocol import reading
from shared.protocol.messages import ChunkCounts, ChunkFailure, JobStatus, new_job_id

INTERNAL = {"lost", "finished", "traced"}


def a_status(**fields: object) -> JobStatus:
    return JobStatus(
        **{"job_id": "j", "state": "synthesizing", "submitted_at": 1_000.0, "updated_at": 1_100.0, **fields}  # type: ignore[arg-type] # by name
    )


def test_a_job_shows_every_field_of_its_status_but_the_internal_ones() -> None:
    assert set(JobStatus.model_fields) - INTERNAL <= set(Job.model_fields)
    assert not INTERNAL & set(Job.model_fields)


def test_a_client_can_rebuild_the_status_from_the_document() -> None:
    failed = ChunkFailure(index=3, text="Words.", reason="The voice is unknown.")
    status = a_status(
        state="completed",
        title="T",
        chunks=ChunkCounts(total=4, done=4),
        audio_seconds=12.5,
        stages={"chunking": 0.5},
        files={"mp3": "jobs/j/episode.mp3"},
        loudness_lufs=-19.0,
        true_peak_dbtp=-1.5,
        failures=(failed,),
        warnings=("The cover is missing.",),
        resumed_at=1_050.0,
        finished={"chunk": "eJw="},
        lost={"audio/x": 1},
    )

    document = job_of(status).model_dump_json()

    assert reading.read(JobStatus, document, strict=False) == status.model_copy(update={"finished": {}, "lost": {}})
    assert job_of(status).links.files == {"mp3": "/v1/jobs/j/files/mp3"}


def test_a_job_that_nobody_has_taken_yet_was_submitted_when_its_id_was_made() -> None:
    waiting = a_status(job_id=new_job_id(), state="queued", submitted_at=0.0, updated_at=0.0)

    assert job_of(waiting).submitted_at > 1_700_000_000
    assert job_of(waiting).updated_at == 0


@pytest.mark.parametrize(
    ("state", "done", "share"),
    [
        ("queued", 0, 0.0),
        ("chunking", 0, 0.0),
        ("synthesizing", 50, 0.475),
        ("assembling", 100, 0.95),
        ("completed", 100, 1.0),
        ("failed", 50, 0.475),
    ],
)
def test_progress_is_the_share_of_chunks_and_then_the_assembly(state: str, done: int, share: float) -> None:
    assert progress(a_status(state=state, chunks=ChunkCounts(total=100, done=done))) == share


def test_progress_of_a_job_without_chunks_is_nothing() -> None:
    assert progress(a_status()) == 0


def test_what_is_left_takes_as_long_a_chunk_as_what_is_done() -> None:
    half = a_status(
        chunks=ChunkCounts(total=100, done=50), audio_seconds=400.0, stages={"chunking": 10.0}, updated_at=1_100.0
    )

    assert estimated_seconds_left(half) == 90.0 + 8.0  # 50 chunks in 90 s; then 800 s of audio are assembled


def test_after_a_resumption_the_pace_counts_from_there() -> None:
    resumed = a_status(
        chunks=ChunkCounts(total=100, done=50), stages={"chunking": 10.0}, resumed_at=1_080.0, updated_at=1_100.0
    )

    assert estimated_seconds_left(resumed) == 20.0


@pytest.mark.parametrize(
    ("state", "left"),
    [("queued", None), ("chunking", None), ("synthesizing", None), ("failed", None), ("completed", 0)],
)
def test_what_cannot_be_known_is_not_guessed(state: str, left: float | None) -> None:
    assert estimated_seconds_left(a_status(state=state)) == left
