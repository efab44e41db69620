"""Lists jobs a page at a time, newest first, without reading what is not shown.

Job ids are UUIDv7 unless a client chose others, so sorting by id sorts by time. Only the statuses of the jobs on the
page are read, and of those that a filter leaves out.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.client.job_ids import began, ids_of, newest_first, order
from shared.client.watching import UnreadableJob, look
from shared.concurrency import gathered
from shared.protocol.messages import JobState, JobStatus
from shared.store import keys
from shared.store.port import PAGE, Store

__all__ = ["JobFilter", "JobsPage", "ids_of", "jobs_page"]

_LOOKUPS_AT_A_TIME: Final = 16
_MARKED_STATES: Final[frozenset[JobState]] = frozenset({"chunking", "synthesizing", "assembling"})
"""A job in one of these states has a mark below `active/`, so only marked jobs need to be read."""


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are listed; every condition that is set must hold.

    Attributes:
        states: only these.
        title: only jobs whose title contains this, whatever the case.
        since: only jobs submitted at this time or later, in seconds since the epoch. An id that tells its time is
            believed; for others it is the status.
        until: only jobs submitted at this time or earlier.
    """

    states: frozenset[JobState] | None = None
    title: str = ""
    since: float | None = None
    until: float | None = None

    def has(self, status: JobStatus) -> bool:
        """Whether a job is listed."""
        at = began(status.job_id) or status.submitted_at or time.time()
        return (
            (self.states is None or status.state in self.states)
            and self.title.casefold() in status.title.casefold()
            and (self.since is None or at >= self.since)
            and (self.until is None or at <= self.until)
        )


ALL: Final = JobFilter()


@dataclass(frozen=True)
class JobsPage:
    """A page of jobs, newest first by id.

    Attributes:
        jobs: their statuses.
        next: what to pass as `before` for the next page; None at the end.
        unreadable: ids of the jobs on this page whose status cannot be read.
    """

    jobs: list[JobStatus]
    next: str | None
    unreadable: list[str]


async def jobs_page(
    store: Store,
    *,
    limit: int = 100,
    before: str = "",
    wanted: JobFilter = ALL,
    looks_limit: int | None = None,
) -> JobsPage:
    """The newest jobs.

    Costs a few listing calls, and one or two reads for each job that is looked at. With a filter it looks until the
    page is full, which may mean looking at every job, unless `looks_limit` says when to stop.

    Args:
        store: where the jobs are.
        limit: maximum number of jobs on a page, including unreadable ones.
        before: only jobs that come after this id in the list; the job need not exist any more; empty: all.
        wanted: which jobs; those that cannot be read are reported all the same.
        looks_limit: maximum number of jobs that are looked at; the page may then have fewer than `limit`, even none,
            and still a next one.

    Raises:
        StoreDown: the store does not answer.
    """
    page = JobsPage([], None, [])
    last, looked = before, 0
    async for ids in _ids(store, wanted, before=before):
        step = min(limit, PAGE)
        for start in range(0, len(ids), step):
            some = ids[start : start + step]
            for job_id, found in zip(some, await _looks(store, some), strict=True):
                if len(page.jobs) + len(page.unreadable) == limit or looked == looks_limit:
                    return JobsPage(page.jobs, last, page.unreadable)
                looked += 1
                last = job_id
                if isinstance(found, UnreadableJob):
                    page.unreadable.append(job_id)
                elif found is not None and wanted.has(found):
                    page.jobs.append(found)
    return page


async def _ids(store: Store, wanted: JobFilter, *, before: str) -> AsyncIterator[list[str]]:
    """The ids of the jobs that may be wanted, newest first, in portions."""
    if wanted.states is not None and wanted.states <= _MARKED_STATES:
        marked = [key.removeprefix(keys.ACTIVE) async for key in store.list(keys.ACTIVE)]
        yield sorted((name for name in marked if not before or order(name) < order(before)), key=order, reverse=True)
        return
    until = float("inf") if wanted.until is None else wanted.until
    async for ids in newest_first(store, before=before, since=wanted.since or 0.0, until=until):
        yield ids


async def _looks(store: Store, ids: list[str]) -> list[JobStatus | UnreadableJob | None]:
    """The status of each job, in the order of the ids; None for a job that does not exist (any more)."""

    async def look_at(job_id: str) -> JobStatus | UnreadableJob | None:
        try:
            return await look(store, job_id)
        except UnreadableJob as error:
            return error

    return await gathered(look_at, ids, at_a_time=_LOOKUPS_AT_A_TIME)
