"""What can be said about a document as soon as it is read: a voice of another language, a cover that is too small.

`submit` waits for it for a moment. The job does not need anybody to wait, so whatever goes wrong here is not said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from shared.errors import PodcastError
from shared.protocol.messages import JobState, JobStatus

WAIT_SECONDS: Final = 2.0
"""A chunker that has nothing else to do has read an article by then; a book takes longer."""
_POLL_SECONDS: Final = 0.1
_UNREAD: Final[frozenset[JobState]] = frozenset({"queued", "chunking"})


class LooksAtJobs(Protocol):
    """What of a backend is needed here."""

    async def look(self, job_id: str) -> JobStatus | None:
        """The status of a job; None if there is none yet."""


async def of_jobs(backend: LooksAtJobs, job_ids: Sequence[str], *, seconds: float) -> dict[str, tuple[str, ...]]:
    """The warnings of those jobs whose document is read in time; of one that cannot be read, why.

    Args:
        backend: the system.
        job_ids: jobs that were submitted.
        seconds: how long to wait for all of them together; 0: not at all.
    """
    found: dict[str, tuple[str, ...]] = {}
    left = list(job_ids)
    try:
        async with asyncio.timeout(seconds):
            while left and seconds > 0:
                for job_id in list(left):
                    status = await backend.look(job_id)
                    if status is None or status.state in _UNREAD:
                        continue
                    left.remove(job_id)
                    why = () if status.error is None else (f"the job has failed: {status.error}",)
                    found[job_id] = (*status.warnings, *why)
                if left:
                    await asyncio.sleep(_POLL_SECONDS)
    except (TimeoutError, PodcastError):
        pass  # they are in the job's status all the same
    return found
