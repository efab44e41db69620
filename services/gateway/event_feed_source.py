"""The events of all jobs for one client."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from services.gateway import event_format
from services.gateway.event_feed import EventFeed
from services.gateway.event_log import Change
from services.gateway.event_positions import Position
from services.gateway.event_snapshot import Snapshot
from shared.errors import PodcastError
from shared.protocol.messages import JobState

log = structlog.get_logger(__name__)

_CHANGES_AT_A_TIME: Final = 50
_AGAIN_SECONDS: Final = 1.0
_SNAPSHOT_SECONDS: Final = 1.0
"""How long a stream waits for a snapshot before it sees to its heartbeat, or to its end; the snapshot goes on."""


class FeedSource:
    """A client's place in the feed. It holds no events: what was not sent is in the log, shared by all.

    Args:
        feed: of all jobs.
        wake: set by the feed.
        states: only statuses of jobs in these states; None: all.
    """

    def __init__(self, feed: EventFeed, wake: asyncio.Event, *, states: frozenset[JobState] | None) -> None:
        self.wake = wake
        self._feed = feed
        self._states = states
        self._generation = feed.log.generation
        self._place = self._was_end = feed.log.end
        self._newest = feed.newest
        self._since = 0.0
        self._needs_snapshot = False
        self._seen: dict[str, Position] = {}
        self._first = b""

    def begin(self, snapshot: Snapshot, *, is_lost: bool) -> None:
        """Begin with a snapshot; with `resync` before it if the client's place is lost."""
        self._generation, self._place, self._was_end = snapshot.generation, snapshot.place, snapshot.place
        self._seen = snapshot.seen
        self._first = (event_format.resync() if is_lost else b"") + snapshot.encoded(self._states)

    def resume(self, identity: str) -> bool:
        """Go on after the change with this id; False if it is not known any more."""
        place = self._feed.log.place_after(identity)
        if place is None:
            return False
        self._place, self._was_end = place, self._feed.log.end
        seen = self._feed.log.after(place - 1, limit=1)
        if seen and seen[0].status is not None:
            self._since, self._newest = seen[0].status.updated_at, 0
        return True

    async def take(self) -> bytes:
        """What the client has not been sent."""
        if self._first:
            data, self._first = self._first, b""
            return data
        if self._needs_snapshot or self._generation != self._feed.log.generation:
            return await self._begin_again()
        changes = self._feed.log.after(self._place, limit=_CHANGES_AT_A_TIME)
        if changes is None:
            return await self._begin_again()
        data = b"".join(
            change.encoded for place, change in enumerate(changes, self._place) if self._is_wanted(change, place)
        )
        self._place += len(changes)
        if len(changes) == _CHANGES_AT_A_TIME:
            return data or await self.take()
        data += self._feed.news_after(self._newest, self._states, since=self._since)
        self._newest, self._since = self._feed.newest, 0.0
        return data

    def is_ended(self) -> bool:
        """It never ends by itself."""
        return False

    def _is_wanted(self, change: Change, place: int) -> bool:
        status = change.status
        if status is None or (self._states is not None and status.state not in self._states):
            return False
        if change.told and place >= self._was_end:
            return False  # the client was there when it was found in the store
        seen, now = self._seen.get(status.job_id), Position.of(status)
        return seen is None or now.number > seen.number or now.updated > seen.updated

    async def _begin_again(self) -> bytes:
        """The past is gone: say so, and send a snapshot as soon as there is one."""
        try:
            async with asyncio.timeout(_SNAPSHOT_SECONDS):
                snapshot = await self._feed.snapshot()
        except (PodcastError, TimeoutError) as error:
            log.debug("no snapshot", reason=str(error))
            first = b"" if self._needs_snapshot else event_format.resync()
            self._needs_snapshot = True
            asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self.wake.set)
            return first
        self.begin(snapshot, is_lost=not self._needs_snapshot)
        self._needs_snapshot = False
        data, self._first = self._first, b""
        return data
