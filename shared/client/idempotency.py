"""Idempotency keys: a client that sends a request again, since it did not hear the answer, gets the same job.

The first request with a key claims it: one object, created once, says which job the key stands for and what was asked.
Whoever comes second, at the same moment or after a crash, at this gateway or another, submits *that* job again, which
makes no second one. Once a job was published the claim says so, and the key only answers from then on: even a job that
was deleted is not made again. After `LIFETIME_SECONDS` a key is free; pruning removes what is left of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import Final, Literal

from pydantic import Field

from shared.client.deleting import remove_older
from shared.client.stored import read_versioned
from shared.errors import Conflict
from shared.protocol.messages import Frozen, JobId
from shared.store import keys
from shared.store.port import Store

LIFETIME_SECONDS: Final = 86_400.0
_JSON: Final = "application/json"


class Claim(Frozen):
    """What a key stands for: `idempotency/<owner>/<digest of the key>.json`."""

    version: Literal[1] = 1
    job_id: JobId = Field(description="the job of the first request with this key")
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of what was asked")
    created_at: float = Field(strict=False, description="seconds since the epoch")
    published: bool = Field(description="whether the broker has confirmed the job")


async def claim(store: Store, *, owner: str, key: str, fingerprint: str, job_id: str) -> Claim:
    """The claim that counts for this key: this one, if it is the first.

    Args:
        store: where claims are.
        owner: whose key it is; equal keys of two owners have nothing to do with each other.
        key: the idempotency key.
        fingerprint: of what is asked.
        job_id: the job to make if the key is new.

    Raises:
        StoreDown: the store does not answer.
        Conflict: the key changes hands too fast to say what it stands for.
    """
    name = _name(owner, key)
    mine = Claim(job_id=job_id, fingerprint=fingerprint, created_at=time.time(), published=False)
    data = mine.model_dump_json().encode()
    for _ in range(3):
        with contextlib.suppress(Conflict):
            await store.create(name, data, content_type=_JSON)
            return mine
        found = await read_versioned(store, name, Claim)
        if found is None:
            continue  # it was removed meanwhile
        first, version = found
        if first is not None and time.time() - first.created_at < LIFETIME_SECONDS:
            return first
        with contextlib.suppress(Conflict):
            await store.replace(name, data, version=version, content_type=_JSON)
            return mine
    raise Conflict("The Idempotency-Key is used by too many requests at the same time.", hint="Send this one again.")


async def settle(store: Store, *, owner: str, key: str, claimed: Claim) -> None:
    """Note that the job of this claim was published.

    Raises:
        StoreDown: the store does not answer.
    """
    name = _name(owner, key)
    found = await read_versioned(store, name, Claim)
    if found is None or found[0] != claimed:
        return  # somebody else has noted it, or the key stands for something else by now
    noted = claimed.model_copy(update={"published": True})
    with contextlib.suppress(Conflict):
        await store.replace(name, noted.model_dump_json().encode(), version=found[1], content_type=_JSON)


async def expire(store: Store, *, dry_run: bool = False) -> int:
    """Remove the claims that have outlived their time; how many, or how many would be.

    Raises:
        StoreDown: the store does not answer.
    """
    return (await remove_older(store, keys.IDEMPOTENCY, older_than_seconds=LIFETIME_SECONDS, dry_run=dry_run)).objects


def _name(owner: str, key: str) -> str:
    return keys.idempotency(owner, hashlib.sha256(key.encode()).hexdigest())
