"""Removes old jobs and old parts of the audit log, once a day, if settings say how old they may get; and old previews.

Every coordinator runs this, standbys included; which of them does the work is decided by a conditional write of one
object, which says when it was last done. Two at the same time would do no harm either.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Final

import structlog

from shared.client import audit_log
from shared.client.pruning import prune, prune_previews
from shared.errors import Conflict, NotFound, Outage
from shared.settings import Settings
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 86_400.0
LOOK_SECONDS: Final = 3_600.0
_DAY_SECONDS: Final = 86_400.0


async def keep_pruned(
    store: Store, settings: Settings, *, every_seconds: float = EVERY_SECONDS, look_seconds: float = LOOK_SECONDS
) -> None:
    """Prune at intervals, as long as the process runs. If all is to be kept, only previews are removed."""
    while True:
        try:
            await prune_previews(store)
            is_wanted = settings.retention_days or settings.audit_retention_days
            if is_wanted and await is_our_turn(store, every_seconds=every_seconds):
                await _remove_what_is_old(store, settings)
        except Outage as error:
            log.warning("nothing old was removed", reason=str(error))
        await asyncio.sleep(look_seconds)


async def _remove_what_is_old(store: Store, settings: Settings) -> None:
    if settings.retention_days:
        pruned = await prune(
            store,
            older_than_seconds=settings.retention_days * _DAY_SECONDS,
            job_deadline_seconds=settings.job_deadline_seconds,
        )
        log.info(
            "old jobs removed",
            jobs=len(pruned.ids),
            bytes=pruned.jobs.size_bytes,
            audio=pruned.audio.objects,
            audio_bytes=pruned.audio.size_bytes,
        )
    if settings.audit_retention_days:
        removed = await audit_log.prune(store, older_than_seconds=settings.audit_retention_days * _DAY_SECONDS)
        log.info("old parts of the audit log removed", objects=removed)


async def is_our_turn(store: Store, *, every_seconds: float) -> bool:
    """Whether it is time, and no other process has claimed this turn first.

    Raises:
        StoreDown: the store does not answer.
    """
    now = time.time()
    mine = json.dumps({"at": now}).encode()
    try:
        try:
            content, version = await store.get_versioned(keys.RETENTION)
        except NotFound:
            await store.create(keys.RETENTION, mine)
        else:
            if 0 <= now - _time_in(content) < every_seconds:
                return False
            await store.replace(keys.RETENTION, mine, version=version)
    except Conflict:
        return False
    return True


def _time_in(content: bytes) -> float:
    try:
        return float(json.loads(content)["at"])
    except (ValueError, KeyError, TypeError):
        return 0.0
