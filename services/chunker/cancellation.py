"""Work for a job that stops when the job is cancelled: the job's status is polled while the work runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

from pydantic import ValidationError

from shared.errors import PodcastError
from shared.protocol.messages import JobStatus
from shared.protocol.reading import read
from shared.store import keys
from shared.store.port import Store

_Result = TypeVar("_Result")

LOOK_SECONDS = 1.0
"""Between two reads of the status. Most documents are finished before the first one."""


class Cancelled(Exception):
    """The job was cancelled or deleted meanwhile; the result is no longer needed."""


async def unless_cancelled(work: Coroutine[Any, Any, _Result], *, job_id: str, store: Store) -> _Result:
    """Do the work of a job, and stop it, with its child processes, when the job is cancelled or deleted.

    A job that has failed may be resumed or replayed, so a failure stops nothing.

    Raises:
        Cancelled: the job was cancelled or deleted first.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_until_cancelled(job_id, store))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Cancelled
        result = working.result()
        if await store.exists(keys.deleted(job_id)):
            raise Cancelled
        return result
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _until_cancelled(job_id: str, store: Store) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        # No status yet, a store that does not answer, a status that cannot be read: none of them cancels a job.
        with contextlib.suppress(PodcastError, ValidationError):
            if await store.exists(keys.deleted(job_id)):
                return
            if read(JobStatus, await store.get(keys.status(job_id)), strict=False).state == "cancelled":
                return
