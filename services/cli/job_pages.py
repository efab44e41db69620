"""A page of jobs out of the store."""

from __future__ import annotations

from dataclasses import dataclass

from shared.client.watching import all_jobs
from shared.protocol.messages import JobState, JobStatus
from shared.store.port import Store


@dataclass(frozen=True)
class JobsPage:
    """Jobs, newest first; where the next page begins, if there is one; the ids of those that cannot be read."""

    jobs: tuple[JobStatus, ...]
    next: str
    unreadable: tuple[str, ...] = ()


async def jobs_page(
    store: Store, *, limit: int = 100, before: str = "", states: frozenset[JobState] | None = None
) -> JobsPage:
    """The newest jobs, or those below the job `before`."""
    found = await all_jobs(store)
    ids = [status.job_id for status in found]
    below = found[ids.index(before) + 1 :] if before in ids else found
    chosen = [status for status in below if states is None or status.state in states]
    shown = tuple(chosen[:limit])
    return JobsPage(shown, shown[-1].job_id if len(chosen) > limit else "")
