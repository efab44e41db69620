"""The request of a job, for those who can do without it."""

from __future__ import annotations

from pydantic import ValidationError

from shared.errors import NotFound
from shared.protocol import reading
from shared.protocol.messages import JobRequest
from shared.store import keys
from shared.store.port import Store


async def readable(store: Store, job_id: str) -> JobRequest | None:
    """The request; None if the store has none, or one that cannot be read.

    Raises:
        StoreDown: the store does not answer.
    """
    try:
        return reading.read(JobRequest, await store.get(keys.request(job_id)), strict=False)
    except (NotFound, ValidationError):
        return None
