"""`DELETE /v1/jobs/{job_id}`, `POST /v1/jobs/{job_id}/retry`, `POST /v1/prune`. Publishes job.cancel, job.resume."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.gateway import audit, bodies, deadlines
from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import Backend, TheBackend
from services.gateway.gateway_errors import AlreadyCompleted, StillRunning
from services.gateway.job_document import Job, TheJobId, job_of
from services.gateway.job_routes import existing
from services.gateway.problems import documented
from shared.client import deleting, pruning, watching
from shared.client.deleting import NotEnded
from shared.client.watching import UnreadableJob
from shared.deadlines import deadline
from shared.errors import Conflict
from shared.protocol.messages import TERMINAL_STATES, JobCancelRequested, JobResumeRequested

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=GuardedRoute)

_STOP_SECONDS: Final = 5.0
"""The coordinator answers in milliseconds when it runs; if it does not, the request waits in its queue."""
_LOOK_SECONDS: Final = 0.1
_PRUNE_SECONDS: Final = 60.0
_PRUNE_LIMIT_BYTES: Final = 10_000
_AGE_LIMIT_SECONDS: Final = 1e9


@router.delete(
    "/jobs/{job_id}",
    status_code=202,
    operation_id="cancelJob",
    responses={
        **documented(404, 409),
        202: {"model": Job, "description": "The job is asked to stop, or has ended; its `state` says which."},
        204: {"description": "The job is deleted (with `purge`).", "model": None},
    },
)
@needs("operate")
async def cancel_job(
    job_id: TheJobId,
    request: Request,
    backend: TheBackend,
    purge: Annotated[bool, Query(description="delete the job and its episode, too")] = False,
    reason: Annotated[
        str, Query(min_length=1, max_length=500, description="why; the job's status keeps it")
    ] = "cancelled by the client",
) -> Response:
    """Stop a job; with `purge`, delete it. Needs the scope `operate`.

    A job that has ended stays as it is, so this may be repeated. With `purge` a job that is under way is stopped first;
    if it does not stop within 5 s, nothing is deleted and the answer is 409: ask again later. The audio of single
    chunks, which other jobs may use, stays until `POST /v1/prune`.
    """
    if purge:
        async with audit.record(request, "job.delete", job_id) as results:
            await _stopped(job_id, request, backend)
            removed = await deleting.delete_job(backend.store, job_id)
            results["objects"] = removed.objects
        return Response(status_code=204)
    async with audit.record(request, "job.cancel", job_id, reason=reason) as results:
        found = await existing(backend.store, job_id)
        results["was"] = found.state
        if found.state not in TERMINAL_STATES:
            await backend.publish(JobCancelRequested(job_id=job_id, reason=reason))
            found = await watching.look(backend.store, job_id) or found
    return Response(job_of(found).model_dump_json(), status_code=202, media_type=bodies.JSON)


async def _stopped(job_id: str, request: Request, backend: Backend) -> None:
    """Return when the job has ended; ask it to stop first.

    Raises:
        NotEnded: it has not ended in time, or the client went away.
    """
    try:
        found = await watching.look(backend.store, job_id)
    except UnreadableJob:
        return  # nobody can stop it, and nobody is working on it
    if found is None or found.state in TERMINAL_STATES:
        return
    await backend.publish(JobCancelRequested(job_id=job_id, reason="deleted by the client"))
    give_up = time.monotonic() + _STOP_SECONDS
    while found is not None and found.state not in TERMINAL_STATES:
        if time.monotonic() >= give_up or await request.is_disconnected():
            raise NotEnded(
                f"Job {job_id} is being cancelled, but has not stopped yet ({found.state}).",
                hint="Delete it again later.",
            )
        await asyncio.sleep(_LOOK_SECONDS)
        found = await watching.look(backend.store, job_id)


@router.post("/jobs/{job_id}/retry", status_code=202, operation_id="retryJob", responses=documented(404, 409))
@needs("operate")
async def retry_job(job_id: TheJobId, request: Request, backend: TheBackend) -> Job:
    """Open a failed or cancelled job again. Needs the scope `operate`.

    It gets a fresh deadline, and what is finished stays finished. The answer is the job as it is now; it goes on when
    the coordinator has read the request.
    """
    async with audit.record(request, "job.retry", job_id):
        found = await existing(backend.store, job_id)
        if found.state == "completed":
            raise AlreadyCompleted(f"Job {job_id} is completed.", hint="There is nothing to retry.")
        if found.state not in TERMINAL_STATES:
            raise StillRunning(f"Job {job_id} is running ({found.state}).", hint="There is nothing to retry.")
        await backend.publish(JobResumeRequested(job_id=job_id))
    return job_of(found)


class PruneDocument(BaseModel):
    """What to remove."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    older_than_seconds: float = Field(
        ge=0, le=_AGE_LIMIT_SECONDS, description="remove jobs that ended longer ago than this", examples=[2_592_000]
    )
    dry_run: bool = Field(False, description="only say what would be removed")


class PruneReport(BaseModel):
    """What was removed, or would be."""

    dry_run: bool = Field(description="whether nothing was removed")
    jobs: list[str] = Field(description="ids of the jobs")
    job_objects: int = Field(description="how many objects they had")
    job_bytes: int = Field(description="their size")
    audio_objects: int = Field(description="objects with chunks' audio that no job refers to")
    audio_bytes: int = Field(description="their size")
    preview_objects: int = Field(description="objects of previews that are over a day old")
    preview_bytes: int = Field(description="their size")
    idempotency_keys: int = Field(description="idempotency keys that have outlived their time")


@router.post(
    "/prune",
    operation_id="prune",
    responses=documented(400, 408, 409, 413, 415, 504),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {bodies.JSON: {"schema": {"$ref": "#/components/schemas/PruneDocument"}}},
        }
    },
)
@needs("operate")
async def prune(request: Request, backend: TheBackend) -> PruneReport:
    """Remove jobs that ended long ago, and audio that no job refers to. Needs the scope `operate`.

    Jobs may run meanwhile. If it takes longer than a minute the answer is 504; what was removed is removed, and the
    next request goes on from there.
    """
    bodies.expect_json(request)
    asked = await bodies.read_json(
        request, PruneDocument, limit_bytes=_PRUNE_LIMIT_BYTES, seconds=backend.settings.gateway_upload_seconds
    )
    if backend.pruning.locked():
        raise Conflict("This gateway is already pruning.", hint="Wait until it has finished.")
    deadlines.allow(request, 2 * _PRUNE_SECONDS)
    details: dict[str, JsonValue] = {"older_than_seconds": asked.older_than_seconds, "dry_run": asked.dry_run}
    async with (
        audit.record(request, "prune", "jobs", **details) as results,
        backend.pruning,
        deadline(_PRUNE_SECONDS, "pruning"),
    ):
        found = await pruning.prune(
            backend.store,
            older_than_seconds=asked.older_than_seconds,
            job_deadline_seconds=backend.settings.job_deadline_seconds,
            dry_run=asked.dry_run,
        )
        results["jobs"] = len(found.ids)
    return PruneReport(
        dry_run=asked.dry_run,
        jobs=list(found.ids),
        job_objects=found.jobs.objects,
        job_bytes=found.jobs.size_bytes,
        audio_objects=found.audio.objects,
        audio_bytes=found.audio.size_bytes,
        preview_objects=found.previews.objects,
        preview_bytes=found.previews.size_bytes,
        idempotency_keys=found.idempotency_keys,
    )
