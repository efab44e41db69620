"""`GET /v1/jobs/{job_id}`: look at a job."""

from __future__ import annotations

from fastapi import APIRouter

from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.job_document import Job, TheJobId, job_of
from services.gateway.problems import documented
from shared.client import watching
from shared.errors import NotFound
from shared.protocol.messages import JobStatus
from shared.store.port import Store

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=GuardedRoute)


@router.get("/{job_id}", operation_id="getJob", responses=documented(404))
@needs("read")
async def show(job_id: TheJobId, backend: TheBackend) -> Job:
    """A job's state and progress. Needs the scope `read`."""
    return job_of(await existing(backend.store, job_id))


async def existing(store: Store, job_id: str) -> JobStatus:
    """The status of a job.

    Raises:
        NotFound: there is no such job.
        UnreadableJob: what the store has of it cannot be read.
        StoreDown: the store does not answer.
    """
    found = await watching.look(store, job_id)
    if found is None:
        raise NotFound(f"There is no job {job_id}.", hint="`GET /v1/jobs` lists all jobs.")
    return found
