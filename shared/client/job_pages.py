"""Lists jobs a page at a time, newest first, without reading what is not shown.

Job ids are UUIDv7 unless a client chose others, so sorting by id sorts by time. A store lists names only in ascending
order, but one call returns a thousand, and names are enough to find the newest jobs. Only the statuses of the jobs on
the page are read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.client.watching import UnreadableJob, look
from shared.concurrency import gathered
from shared.protocol.messages import JOB_ID, JobState, JobStatus
from shared.store import keys
from shared.store.port import PAGE, Store

_LOOKUPS_AT_A_TIME: Final = 16
_IDS_AT_A_TIME: Final = 20_000
"""Ids that are kept in memory. Paging back further than this costs another listing."""
_MARKED_STATES: Final[frozenset[JobState]] = frozenset({"chunking", "synthesizing", "assembling"})
"""A job in one of these states has a mark below `active/`, so only marked jobs need to be read."""


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
    store: Store, *, limit: int = 100, before: str = "", states: frozenset[JobState] | None = None
) -> JobsPage:
    """The newest jobs.

    Costs one listing call for each thousand existing jobs, and one or two reads for each job shown. With `states` it
    reads until the page is full, which may mean reading every status.

    Args:
        store: where the jobs are.
        limit: maximum number of jobs on a page, including unreadable ones.
        before: only jobs that come after this id in the list; the job need not exist any more; empty: all.
        states: only jobs in these states (and those whose state cannot be read); None: all.

    Raises:
        StoreDown: the store does not answer.
    """
    page = JobsPage([], None, [])
    last = before
    async for ids in _descending(store, before=before, only_active=states is not None and states <= _MARKED_STATES):
        step = min(limit, PAGE)
        for start in range(0, len(ids), step):
            some = ids[start : start + step]
            for job_id, found in zip(some, await _looks(store, some), strict=True):
                if len(page.jobs) + len(page.unreadable) == limit:
                    return JobsPage(page.jobs, last, page.unreadable)
                if isinstance(found, UnreadableJob):
                    page.unreadable.append(job_id)
                elif found is not None and (states is None or found.state in states):
                    page.jobs.append(found)
                else:
                    continue
                last = job_id
    return page


async def ids_of(store: Store, *, before: str = "") -> AsyncIterator[str]:
    """The ids of the jobs, oldest first, in key order, up to but excluding `before`."""
    after = ""
    while names := await store.folders(keys.JOBS, after=after, limit=PAGE):
        for name in names:
            if before and _order(name) >= _order(before):
                return
            if JOB_ID.fullmatch(name):
                yield name
        if len(names) < PAGE:
            return
        after = names[-1]


async def _descending(store: Store, *, before: str, only_active: bool) -> AsyncIterator[list[str]]:
    """The ids of the jobs, newest first, in portions that fit into memory."""
    if only_active:
        marked = [key.removeprefix(keys.ACTIVE) async for key in store.list(keys.ACTIVE)]
        yield sorted((name for name in marked if not before or _order(name) < _order(before)), key=_order, reverse=True)
        return
    while True:
        newest: deque[str] = deque(maxlen=_IDS_AT_A_TIME)
        async for job_id in ids_of(store, before=before):
            newest.append(job_id)
        yield list(reversed(newest))
        if len(newest) < _IDS_AT_A_TIME:
            return
        before = newest[0]


def _order(job_id: str) -> str:
    """A sort key that matches the store's order, in which each id is followed by a `/`."""
    return f"{job_id}/"


async def _looks(store: Store, ids: list[str]) -> list[JobStatus | UnreadableJob | None]:
    """The status of each job, in the order of the ids; None for a job that does not exist (any more)."""

    async def look_at(job_id: str) -> JobStatus | UnreadableJob | None:
        try:
            return await look(store, job_id)
        except UnreadableJob as error:
            return error

    return await gathered(look_at, ids, at_a_time=_LOOKUPS_AT_A_TIME)
