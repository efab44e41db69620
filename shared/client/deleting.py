"""Removes jobs that have ended, such that an interrupted removal can be resumed and no job is revived.

A job's objects are removed in this order, after a mark below `deleted/` was set, which tells chunker and coordinator to
ignore what is still under way for the job: its mark below `active/`, so that no coordinator takes it up again; its
place in its show; everything else; `request.json`; and `status.json` last. As long as the status exists, the job
counts as ended: late messages do not change it, its id cannot be reused, and a second removal finds what the first left
behind. A coordinator that still remembers the job cannot revive it either, since it replaces a status only over the
version that it knows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.client import show_episodes
from shared.client.job_ids import began
from shared.client.job_pages import ids_of
from shared.client.watching import UnreadableJob, look
from shared.concurrency import gathered
from shared.errors import BadInput, NotFound
from shared.protocol.messages import TERMINAL_STATES
from shared.store import job_request, keys, listing, part_uploads
from shared.store.port import Entry, Store

_CALLS_AT_A_TIME: Final = 16
UNANNOUNCED_SECONDS: Final = 7 * 86_400.0
"""What a client stored without announcing it is kept for at least this long: the client may still try again, or its
message may be waiting in a broker that is down."""


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be.

    Attributes:
        objects: how many.
        size_bytes: their total size.
    """

    objects: int = 0
    size_bytes: int = 0

    def __add__(self, other: Removed) -> Removed:
        return Removed(self.objects + other.objects, self.size_bytes + other.size_bytes)


class NotEnded(BadInput):
    """The job has not ended; only jobs that have ended can be removed."""


async def delete_job(store: Store, job_id: str) -> Removed:
    """Remove a job that has ended, and what an earlier attempt may have left of it. Its chunks' audio stays.

    Raises:
        NotFound: the store has nothing of such a job.
        NotEnded: it has not ended.
        StoreDown: the store does not answer; what is left is removed by the next attempt.
    """
    try:
        found = await look(store, job_id)
    except UnreadableJob:
        found = None  # no service can continue it, so it counts as ended
    else:
        if found is not None and found.state not in TERMINAL_STATES:
            raise NotEnded(
                f"Job {job_id} has not ended ({found.state}).",
                hint=f"`podcast delete --cancel {job_id}` stops it first.",
            )
    entries = await listing.entries(store, keys.job(job_id))
    if not entries:
        raise NotFound(f"There is no job {job_id}.", hint="`podcast jobs` lists the jobs there are.")
    return await remove(store, job_id, entries)


async def expired(store: Store, *, older_than_seconds: float) -> AsyncIterator[tuple[str, list[Entry]]]:
    """The jobs that ended longer ago than this, with their objects; oldest first.

    This includes remains of jobs that never started (documents or a request that a client stored but never announced)
    and objects written after their job was removed. Jobs whose status cannot be read are left for a person to decide.

    Raises:
        StoreDown: the store does not answer.
    """
    now = time.time()
    some: list[str] = []
    async for job_id in ids_of(store):
        if began(job_id) > now - older_than_seconds:
            continue  # it cannot have ended before it began, so there is no need to read its status
        some.append(job_id)
        if len(some) == _CALLS_AT_A_TIME:
            for found in await _expired_among(store, some, now=now, older_than_seconds=older_than_seconds):
                yield found
            some = []
    for found in await _expired_among(store, some, now=now, older_than_seconds=older_than_seconds):
        yield found


async def _expired_among(
    store: Store, ids: list[str], *, now: float, older_than_seconds: float
) -> list[tuple[str, list[Entry]]]:
    async def look_at(job_id: str) -> list[Entry]:
        try:
            status = await look(store, job_id)
        except UnreadableJob:
            return []
        if status is not None and status.state in TERMINAL_STATES:
            return (
                await listing.entries(store, keys.job(job_id)) if status.updated_at <= now - older_than_seconds else []
            )
        if status is not None and status.updated_at > 0:
            return []  # under way
        # No coordinator has taken it.
        entries = await listing.entries(store, keys.job(job_id))
        newest = max((entry.modified for entry in entries), default=now)
        kept_seconds = max(older_than_seconds, UNANNOUNCED_SECONDS)
        is_left_over = newest <= now - kept_seconds and not await store.exists(keys.active(job_id))
        return entries if is_left_over else []

    found = await asyncio.gather(*(look_at(job_id) for job_id in ids))
    return [(job_id, entries) for job_id, entries in zip(ids, found, strict=True) if entries]


async def remove(store: Store, job_id: str, entries: list[Entry]) -> Removed:
    """Remove a job whose objects are `entries`; it must have ended, or come from `expired`."""
    if any(entry.key == keys.status(job_id) for entry in entries):
        # Not where no coordinator has taken it: its message may still be in a broker that is down.
        await store.put(keys.deleted(job_id), b"")
    await store.delete(keys.active(job_id))
    await _leave_show(store, job_id)
    await part_uploads.abandon_all(store, job_id, {entry.key for entry in entries})
    last = [key for key in (keys.request(job_id), keys.status(job_id)) if any(entry.key == key for entry in entries)]
    await delete_all(store, [entry.key for entry in entries if entry.key not in last])
    for key in last:
        await store.delete(key)
    return total(entries)


async def _leave_show(store: Store, job_id: str) -> None:
    request = await job_request.readable(store, job_id)
    if request is not None:
        await show_episodes.forget_job(store, request)


async def remove_older(store: Store, prefix: str, *, older_than_seconds: float, dry_run: bool = False) -> Removed:
    """Remove the objects below a prefix that were written longer ago than this; with `dry_run`, only count them.

    Raises:
        StoreDown: the store does not answer.
    """
    before, after, removed = time.time() - older_than_seconds, "", Removed()
    while page := await store.entries(prefix, after=after):
        after = page[-1].key
        old = [entry for entry in page if entry.modified < before]
        if not dry_run:
            await delete_all(store, [entry.key for entry in old])
        removed += total(old)
    return removed


async def delete_all(store: Store, wanted: list[str]) -> None:
    """Delete objects, a few at a time."""
    await gathered(store.delete, wanted, at_a_time=_CALLS_AT_A_TIME)


def total(entries: list[Entry]) -> Removed:
    """Their number and total size."""
    return Removed(len(entries), sum(entry.size_bytes for entry in entries))
