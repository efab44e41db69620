"""When each chunk of a job was requested and made: a record for people, in memory and now and then in the store.

Nothing depends on it, so a failure to read or write it is logged and changes nothing for the job.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Sequence

import structlog
from pydantic import ValidationError

from services.coordinator import clock
from shared.errors import NotFound, Outage
from shared.protocol import reading
from shared.protocol.chunk_times import UNKNOWN, ChunkTimes
from shared.store import keys
from shared.store.port import Store

log = structlog.get_logger(__name__)

_TRIES_MOST = 65_535


class TimesKept:
    """The times of one job's chunks: 14 bytes for each.

    Attributes:
        is_new: something has changed since it was last written.
        is_filled: what an earlier process has noted is in it.
    """

    def __init__(self, job_id: str, chunks: int, *, began_at: float) -> None:
        self.job_id = job_id
        self.began_at = began_at
        self._requested, self._finished, self._spoken = (array("f", [UNKNOWN]) * chunks for _ in range(3))
        self._tries = array("H", [0]) * chunks
        self.is_new = self.is_filled = False

    def fill(self, record: ChunkTimes) -> None:
        """Take over what an earlier process has noted of the same run, where this one has noted nothing."""
        columns = (record.requested, record.finished, record.spoken, record.tries)
        if record.began_at != self.began_at or {len(column) for column in columns} != {len(self._requested)}:
            return
        for index, requested in enumerate(self._requested):
            if requested == UNKNOWN and self._finished[index] == UNKNOWN:
                self._requested[index], self._finished[index] = record.requested[index], record.finished[index]
                self._spoken[index] = record.spoken[index]
                self._tries[index] = min(max(0, record.tries[index]), _TRIES_MOST)

    def requested(self, indexes: Sequence[int]) -> None:
        """These chunks have just been requested."""
        for index in indexes:
            self._requested[index] = self._now()
            self._finished[index] = self._spoken[index] = UNKNOWN
            self.is_new = True

    def ended(self, index: int, *, spoken_seconds: float = UNKNOWN, tries: int = 0) -> None:
        """This chunk is done, or has failed."""
        self._finished[index] = self._now()
        self._spoken[index] = spoken_seconds
        self._tries[index] = min(max(tries, self._tries[index]), _TRIES_MOST)
        self.is_new = True

    def record(self) -> ChunkTimes:
        """As it is stored: to a hundredth of a second."""
        requested, finished, spoken = (
            tuple(round(time, 2) for time in times) for times in (self._requested, self._finished, self._spoken)
        )
        return ChunkTimes(
            job_id=self.job_id,
            began_at=self.began_at,
            requested=requested,
            finished=finished,
            spoken=spoken,
            tries=tuple(self._tries),
        )

    def _now(self) -> float:
        return max(0.0, clock.now() - self.began_at)


async def write(store: Store, kept: TimesKept) -> None:
    """Write what is new. The caller holds the job, so that nothing is left of one that is deleted."""
    if not kept.is_new:
        return
    kept.is_new = False
    key = keys.chunk_times(kept.job_id)
    try:
        if not kept.is_filled:  # only now: a coordinator that takes up a thousand jobs reads none of it
            with contextlib.suppress(NotFound, ValidationError):
                kept.fill(reading.read(ChunkTimes, await store.get(key), strict=False))
            kept.is_filled = True
        await store.put(key, kept.record().model_dump_json().encode(), content_type="application/json")
    except Outage as error:
        log.debug("the times of chunks were not written", job=kept.job_id, reason=str(error))
