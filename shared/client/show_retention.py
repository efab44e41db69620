"""Which old jobs stay, since they are what a show's feed names: a show says itself how long its episodes are kept."""

from __future__ import annotations

import time
from typing import Final

from shared.client import show_episodes, shows
from shared.client.shows import UnreadableShow
from shared.client.watching import UnreadableJob, look
from shared.errors import BadInput, NotFound
from shared.protocol.messages import JobStatus
from shared.protocol.shows import Show
from shared.store import job_request
from shared.store.port import Store

_DAY_SECONDS: Final = 86_400.0


class ShowRetention:
    """For one removal of old jobs; each show is read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shows: dict[str, Show | None] = {}

    async def keeps(self, job_id: str) -> bool:
        """Whether a job is the rendering that a show's feed names, and the show keeps it.

        Raises:
            StoreDown: the store does not answer.
        """
        request = await job_request.readable(self._store, job_id)
        if request is None or request.show is None:
            return False
        try:
            show = await self._show(request.show.show_id)
        except UnreadableShow:
            return True  # a person decides
        status = await self._completed(job_id)
        if show is None or status is None:
            return False
        if show.keep_days is not None and status.updated_at < time.time() - show.keep_days * _DAY_SECONDS:
            return False
        return await self._is_newest(job_id, show.show_id, request.show.episode_id or job_id)

    async def _show(self, show_id: str) -> Show | None:
        if show_id not in self._shows:
            try:
                self._shows[show_id] = await shows.find(self._store, show_id)
            except NotFound:
                self._shows[show_id] = None
        return self._shows[show_id]

    async def _completed(self, job_id: str) -> JobStatus | None:
        try:
            status = await look(self._store, job_id)
        except UnreadableJob:
            return None
        return status if status is not None and status.state == "completed" else None

    async def _is_newest(self, job_id: str, show_id: str, episode_id: str) -> bool:
        try:
            record = await show_episodes.find(self._store, show_id, episode_id)
        except (NotFound, BadInput):
            return False
        if job_id not in record.jobs:
            return False
        later = record.jobs[record.jobs.index(job_id) + 1 :]
        return not any([await self._completed(other) for other in later])
