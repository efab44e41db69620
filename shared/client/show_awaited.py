"""Episodes of a show that are being made for the first time: what a feed may announce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.client.show_renderings import Listing
from shared.client.watching import UnreadableJob, look
from shared.concurrency import gathered
from shared.protocol.messages import TERMINAL_STATES, JobStatus
from shared.protocol.shows import EpisodeRecord
from shared.store.port import Store

AWAITED_MOST: Final = 20
"""Of the newest episodes that cannot be heard; each costs a look at its job."""
_READ_AT_A_TIME: Final = 16


@dataclass(frozen=True)
class AwaitedEpisode:
    """An episode whose first job is under way.

    Attributes:
        record: what identifies it, and what is said of it.
        title: its own, or that of the job.
    """

    record: EpisodeRecord
    title: str


async def awaited(store: Store, listing: Listing, *, now: float) -> tuple[list[AwaitedEpisode], float]:
    """The episodes that are being made, newest first, and when one of them was begun or has ended.

    An episode that is hidden, or whose time has not come, is not among them.

    Raises:
        StoreDown: the store does not answer.
    """
    heard = {one.record.episode_id for one in listing.heard}
    records = [
        record
        for record in listing.records
        if record.episode_id not in heard and not record.is_hidden and record.appears_at <= now
    ]
    records.sort(key=lambda record: (record.announced_at, record.episode_id), reverse=True)
    newest = records[:AWAITED_MOST]

    async def status_of(record: EpisodeRecord) -> JobStatus | None:
        try:
            return await look(store, record.jobs[-1])
        except UnreadableJob:
            return None

    statuses = await gathered(status_of, newest, at_a_time=_READ_AT_A_TIME)
    moved = [status.history[-1].at for status in statuses if status is not None and status.history]
    found = [
        AwaitedEpisode(record, record.title or status.title or "A new episode")
        for record, status in zip(newest, statuses, strict=True)
        if status is not None and status.state not in TERMINAL_STATES
    ]
    return found, max(moved, default=0.0)
