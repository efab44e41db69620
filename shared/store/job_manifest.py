"""The manifest of a job that counts: the corrected one if there is one, else the chunker's."""

from __future__ import annotations

from shared.errors import NotFound
from shared.store import keys
from shared.store.port import Store


async def read_bytes(store: Store, job_id: str) -> bytes:
    """The manifest that counts.

    Raises:
        NotFound: the job is not chunked yet.
        StoreDown: the store does not answer.
    """
    try:
        return await store.get(keys.corrected_manifest(job_id))
    except NotFound:
        return await store.get(keys.manifest(job_id))


async def key_of(store: Store, job_id: str) -> str | None:
    """Where the manifest that counts is; None if the job is not chunked yet."""
    for key in (keys.corrected_manifest(job_id), keys.manifest(job_id)):
        if await store.exists(key):
            return key
    return None
