"""The ids of the jobs in the store, oldest or newest first, and what an id tells: a UUIDv7 begins with its time.

A store lists names in ascending order only, a thousand a call, and sorting by id sorts by time. So the newest are found
without listing the others: what lies after the id that a UUIDv7 of a minute ago would have, then the four minutes
before that, and so on; a window that holds more than one call lists is made smaller. The ids that clients chose
themselves sort before or after all UUIDs of our time, and are listed in full.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from shared.protocol.messages import JOB_ID
from shared.store import keys
from shared.store.port import PAGE, Store

_TIME_ORDERED: Final = 7
"""The version of UUIDs that begin with the time."""
_TIME_LIMIT_MS: Final = (1 << 48) - 1
_EPOCH_SECONDS: Final = 1_577_836_800.0
"""2020-01-01; no UUIDv7 is older."""
_FAR_SECONDS: Final = 253_402_300_800.0
"""The year 10000."""
_AHEAD_SECONDS: Final = 86_400.0
"""How far the clock of a client that made an id may be ahead."""
_FIRST_WINDOW_SECONDS: Final = 60.0
_GROWTH: Final = 4
_SHRINKING: Final = 8
_SMALLEST_WINDOW_SECONDS: Final = 0.001
_IDS_AT_A_TIME: Final = 20_000
"""Ids that clients chose that are kept in memory. Paging back further than this costs another listing."""


def began(job_id: str) -> float:
    """When the id was made, in seconds since the epoch; 0 if the id does not say, or names a future time."""
    try:
        made = UUID(job_id)
    except ValueError:
        return 0.0
    at = (made.int >> 80) / 1_000
    return at if made.version == _TIME_ORDERED and at <= time.time() else 0.0


def first_at(seconds: float) -> str:
    """What sorts before every UUIDv7 that was made at this time or later, and after every older one.

    Args:
        seconds: since the epoch.
    """
    return str(UUID(int=min(max(0, round(seconds * 1_000)), _TIME_LIMIT_MS) << 80))


def order(job_id: str) -> str:
    """A sort key that matches the store's order, in which each id is followed by a `/`."""
    return f"{job_id}/"


async def ids_of(store: Store, *, before: str = "", after: str = "") -> AsyncIterator[str]:
    """The ids of the jobs, oldest first, in key order, up to but excluding `before`, from but excluding `after`."""
    while names := await store.folders(keys.JOBS, after=after, limit=PAGE):
        for name in names:
            if before and order(name) >= order(before):
                return
            if JOB_ID.fullmatch(name):
                yield name
        if len(names) < PAGE:
            return
        after = names[-1]


async def newest_first(
    store: Store, *, before: str = "", since: float = 0.0, until: float = float("inf")
) -> AsyncIterator[list[str]]:
    """The ids of the jobs, newest first by id, in portions; each costs a call or two, and some are empty.

    Args:
        store: where the jobs are.
        before: only ids that come after this one in the list; empty: all.
        since: leave out UUIDv7 ids made before this time, in seconds since the epoch.
        until: leave out UUIDv7 ids made after this time.
    """
    newest = first_at(time.time() + _AHEAD_SECONDS)
    oldest = first_at(min(max(since, _EPOCH_SECONDS), _FAR_SECONDS))
    if not before or order(before) > order(newest):
        async for ids in _walked(store, after=newest, before=before):
            yield ids
        before = newest
    before = min(before, first_at(min(until, _FAR_SECONDS) + _SMALLEST_WINDOW_SECONDS), key=order)
    if order(before) > order(oldest):
        async for ids in _windows(store, after=oldest, before=before):
            yield ids
        before = oldest
    async for ids in _walked(store, after="", before=min(before, first_at(_EPOCH_SECONDS), key=order)):
        yield ids


async def _windows(store: Store, *, after: str, before: str) -> AsyncIterator[list[str]]:
    now = time.time()
    end = min(_time_of(before), now + _AHEAD_SECONDS)
    width = end - now if end > now else _FIRST_WINDOW_SECONDS
    while order(before) > order(after):
        start = max(first_at(end - width), after, key=order)
        if order(start) >= order(before):  # `before` is no UUID, and does not tell its time
            end, width = end - width, width * _GROWTH
            continue
        names = await store.folders(keys.JOBS, after=start, limit=PAGE)
        if len(names) == PAGE and order(names[-1]) < order(before):
            if width > _SMALLEST_WINDOW_SECONDS:
                width = max(width / _SHRINKING, _SMALLEST_WINDOW_SECONDS)
                continue
            async for ids in _walked(store, after=start, before=before):
                yield ids
        else:
            yield [name for name in reversed(names) if order(name) < order(before) and JOB_ID.fullmatch(name)]
        before, end = start, end - width
        width = max(width, _FIRST_WINDOW_SECONDS) if end >= now else width * _GROWTH


def _time_of(name: str) -> float:
    """The time at which a UUID that begins as this name would have been made; as late as possible if it is none."""
    try:
        return (UUID(name).int >> 80) / 1_000 + _SMALLEST_WINDOW_SECONDS
    except ValueError:
        return float("inf")


async def _walked(store: Store, *, after: str, before: str) -> AsyncIterator[list[str]]:
    """All ids between the two, newest first, in portions that fit into memory."""
    while True:
        newest: deque[str] = deque(maxlen=_IDS_AT_A_TIME)
        async for job_id in ids_of(store, before=before, after=after):
            newest.append(job_id)
        yield list(reversed(newest))
        if len(newest) < _IDS_AT_A_TIME:
            return
        before = newest[0]
