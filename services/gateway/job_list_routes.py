"""`GET /v1/jobs`: the jobs, newest first, a page at a time."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from services.gateway.access import GuardedRoute, needs
from services.gateway.backend import TheBackend
from services.gateway.job_document import Job, job_of
from services.gateway.pages import LINK_HEADER, PageLimit, link_next
from services.gateway.problems import documented
from shared.client.job_pages import JobFilter, jobs_page
from shared.client.job_sources import source_of
from shared.concurrency import gathered
from shared.protocol.messages import JOB_ID, JobState, JobStatus

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=GuardedRoute)

_LOOKS_LIMIT: Final = 500
"""Jobs that one request looks at. With 16 at a time this takes about a second in a slow store."""
_LOOKUPS_AT_A_TIME: Final = 16
_TIME_LIMIT: Final = 253_402_300_800
"""The year 10000."""

_Cursor = Annotated[
    str,
    Query(pattern=rf"^({JOB_ID.pattern})?$", max_length=64, description="`next` of the page before; empty: the newest"),
]
_Time = Annotated[float | None, Query(ge=0, le=_TIME_LIMIT, allow_inf_nan=False)]


class ListedJob(Job):
    """A job, and where its text is from."""

    source: str = Field(description="a file name, an address, or `text`; empty: not known", examples=["essay.md"])


class JobsList(BaseModel):
    """A page of jobs."""

    jobs: list[ListedJob] = Field(description="newest first; with a filter it may be empty although there are more")
    next: str | None = Field(description="the cursor of the next page; null at the end")
    unreadable: list[str] = Field(description="ids of jobs on this page that cannot be read")


@router.get(
    "",
    operation_id="listJobs",
    responses={**documented(), 200: {"description": "A page of jobs.", "headers": LINK_HEADER}},
)
@needs("read")
async def list_jobs(
    *,
    request: Request,
    response: Response,
    backend: TheBackend,
    state: Annotated[list[JobState], Query(description="only jobs in these states", max_length=7)] = [],  # noqa: B006 - FastAPI copies it
    title: Annotated[str, Query(max_length=500, description="only titles that contain this, whatever the case")] = "",
    since: Annotated[_Time, Query(description="only jobs submitted then or later, seconds since the epoch")] = None,
    until: Annotated[_Time, Query(description="only jobs submitted then or earlier, seconds since the epoch")] = None,
    limit: PageLimit = 50,
    cursor: _Cursor = "",
) -> JobsList:
    """The jobs, newest first. Needs the scope `read`.

    One request looks at a bounded number of jobs. So a page of a filter that finds little may be short, even empty, and
    still have a `next`: go on until it is null.
    """
    wanted = JobFilter(states=frozenset(state) or None, title=title, since=since, until=until)
    page = await jobs_page(backend.store, limit=limit, before=cursor, wanted=wanted, looks_limit=_LOOKS_LIMIT)
    link_next(request, response, page.next)

    async def listed(status: JobStatus) -> ListedJob:
        return ListedJob(**job_of(status).model_dump(), source=await source_of(backend.store, status.job_id))

    jobs = await gathered(listed, page.jobs, at_a_time=_LOOKUPS_AT_A_TIME)
    return JobsList(jobs=jobs, next=page.next, unreadable=page.unreadable)
