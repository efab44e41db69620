"""`Job`: a job as the API shows it. Every route and every event that shows a job shows this document."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from services.gateway import job_progress
from shared.client.job_ids import began
from shared.protocol.messages import JOB_ID, ChunkCounts, ChunkFailure, JobState, JobStatus, StateChange

TheJobId = Annotated[
    str,
    Path(
        pattern=rf"^{JOB_ID.pattern}$",
        max_length=64,
        description="the job's id",
        examples=["01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70"],
    ),
]
"""The type of a route's parameter that names a job."""


class JobLinks(BaseModel):
    """Where the parts of a job are."""

    self: str = Field(description="the job")
    events: str = Field(description="its live events")
    chunks: str = Field(description="its chunks, a page at a time")
    episode: str = Field(description="its audio, once it is completed")
    files: dict[str, str] = Field({}, description="kind of file → where it is; empty until the job is completed")


class Job(BaseModel):
    """A job: what its status says, and what follows from that."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "job_id": "01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70",
                    "state": "synthesizing",
                    "title": "The Wind in the Willows",
                    "chunks": {"total": 1200, "done": 300, "failed": 0},
                    "audio_seconds": 2312.4,
                    "stages": {"chunking": 0.8},
                    "files": {},
                    "loudness_lufs": None,
                    "true_peak_dbtp": None,
                    "error": None,
                    "failures": [],
                    "warnings": [],
                    "submitted_at": 1796083200.0,
                    "resumed_at": None,
                    "updated_at": 1796083500.8,
                    "progress": 0.2375,
                    "estimated_seconds_left": 992.5,
                    "links": {
                        "self": "/v1/jobs/01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70",
                        "events": "/v1/jobs/01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70/events",
                        "chunks": "/v1/jobs/01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70/chunks",
                        "episode": "/v1/jobs/01939d2e-6f3a-7c8b-9f10-2b3c4d5e6f70/episode",
                        "files": {},
                    },
                }
            ]
        }
    )

    version: int = Field(1, description="version of this document")
    job_id: str = Field(description="its id")
    state: JobState = Field(description="where it is in its life; completed, failed and cancelled are ends")
    title: str = Field("", description="the episode's title, once it is known")
    author: str = Field("", description="the episode's author, once it is known")
    chunks: ChunkCounts = Field(description="how many chunks it has, and how many are done or failed")
    audio_seconds: float = Field(0.0, description="seconds of speech done so far; the episode's at the end")
    stages: dict[str, float] = Field({}, description="stage → seconds it took")
    files: dict[str, str] = Field({}, description="kind of file → key in the store; `links.files` has addresses")
    loudness_lufs: float | None = Field(None, description="integrated loudness of the episode")
    true_peak_dbtp: float | None = Field(None, description="true peak of the episode")
    error: str | None = Field(None, description="why it failed or was cancelled")
    failures: list[ChunkFailure] = Field([], description="the first pieces of work that cannot be made, and why")
    warnings: list[str] = Field([], description="what is not as it should be")
    history: list[StateChange] = Field([], description="its states so far, and since when it was in them")
    submitted_at: float = Field(description="seconds since the epoch; 0 while it is not known")
    resumed_at: float | None = Field(None, description="when it was last opened again, seconds since the epoch")
    updated_at: float = Field(description="seconds since the epoch; 0 until a coordinator has taken it")
    progress: float = Field(ge=0, le=1, description="how much is done")
    estimated_seconds_left: float | None = Field(
        description="how long it will still take; null while that is not known, and after a failure"
    )
    links: JobLinks = Field(description="where its parts are")


def job_of(status: JobStatus) -> Job:
    """The document for a job with this status."""
    # A model is read by its fields here, so nothing of the status is shown that the document does not name.
    known = {name: getattr(status, name) for name in JobStatus.model_fields if name in Job.model_fields}
    return Job(
        **{
            **known,
            "failures": list(status.failures),
            "warnings": list(status.warnings),
            "history": list(status.history),
            # Until a coordinator has taken it, the status has no time; a UUIDv7 has one.
            "submitted_at": status.submitted_at or began(status.job_id),
        },
        progress=job_progress.progress(status),
        estimated_seconds_left=job_progress.estimated_seconds_left(status),
        links=links_of(status.job_id, status.files),
    )


def links_of(job_id: str, files: dict[str, str] | None = None) -> JobLinks:
    """Where the parts of a job are; `files` are the kinds of file that it has."""
    own = f"/v1/jobs/{job_id}"
    return JobLinks(
        self=own,
        events=f"{own}/events",
        chunks=f"{own}/chunks",
        episode=f"{own}/episode",
        files={kind: f"{own}/files/{kind}" for kind in files or {}},
    )
