"""Frees space: removes jobs that ended long ago, audio that nothing refers to any more, and old idempotency keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.client import deleting, idempotency, speech_jobs, sweeping
from shared.client.deleting import Removed
from shared.client.show_retention import ShowRetention
from shared.store import keys
from shared.store.port import Store

PREVIEWS_KEPT_SECONDS: Final = 86_400.0
"""A preview is made again in seconds, so none is kept for longer than a day."""


@dataclass(frozen=True)
class Pruned:
    """What was removed, or would be.

    Attributes:
        ids: of the jobs.
        jobs: their objects, and what named them for the speech route.
        audio: chunks' audio that no job refers to.
        previews: those that are over a day old.
        idempotency_keys: how many have outlived their time.
    """

    ids: tuple[str, ...]
    jobs: Removed
    audio: Removed
    previews: Removed
    idempotency_keys: int = 0


async def prune(
    store: Store, *, older_than_seconds: float, job_deadline_seconds: float, dry_run: bool = False
) -> Pruned:
    """Remove jobs that ended longer ago than this, and the audio that no job refers to; not what a show keeps.

    It may run while jobs run, several times concurrently, and may be interrupted at any moment: the next run continues.

    Args:
        store: where they are.
        older_than_seconds: the minimum time since a job ended.
        job_deadline_seconds: how long a job may take; younger audio is kept.
        dry_run: remove nothing.

    Raises:
        StoreDown: the store does not answer.
    """
    ids: list[str] = []
    jobs = Removed()
    retention = ShowRetention(store)
    async for job_id, entries in deleting.expired(store, older_than_seconds=older_than_seconds):
        if await retention.keeps(job_id):
            continue
        ids.append(job_id)
        jobs += deleting.total(entries) if dry_run else await deleting.remove(store, job_id, entries)
    # No message about a job that was deleted so long ago can be left.
    kept_seconds = max(job_deadline_seconds, deleting.UNANNOUNCED_SECONDS)
    await deleting.remove_older(store, keys.DELETED, older_than_seconds=kept_seconds, dry_run=dry_run)
    jobs += await speech_jobs.sweep(store, without=frozenset(ids), dry_run=dry_run)
    safe_age_seconds = job_deadline_seconds + sweeping.SAFE_MARGIN_SECONDS
    audio = await sweeping.sweep(store, safe_age_seconds=safe_age_seconds, dry_run=dry_run, without=frozenset(ids))
    previews = await prune_previews(store, dry_run=dry_run)
    return Pruned(tuple(ids), jobs, audio, previews, await idempotency.expire(store, dry_run=dry_run))


async def prune_previews(store: Store, *, dry_run: bool = False) -> Removed:
    """Remove what was stored for previews over a day ago.

    Raises:
        StoreDown: the store does not answer.
    """
    return await deleting.remove_older(store, keys.PREVIEWS, older_than_seconds=PREVIEWS_KEPT_SECONDS, dry_run=dry_run)
