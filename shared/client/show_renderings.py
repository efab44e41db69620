"""What of a show's episodes can be heard: for each record the newest of its jobs that is completed.

A completed job does not change, so what is known of it is kept; records are read again when their listing says that
they have changed.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from shared.client import show_episodes
from shared.client.covers import MARK_BYTES, suffix_of
from shared.client.fetching import KIND
from shared.client.show_defaults import is_of_the_show
from shared.client.submission import AUDIO_FORMATS
from shared.client.watching import UnreadableJob, look
from shared.concurrency import gathered
from shared.errors import NotFound
from shared.protocol.messages import JobStatus
from shared.protocol.shows import EpisodeRecord
from shared.store import job_request, keys
from shared.store.port import Entry, Store

_KEPT_SECONDS: Final = 2.0
"""How old a listing may be, so that many readers of a feed cost the store no more than a few."""
_READ_AT_A_TIME: Final = 32
_JOBS_KEPT: Final = 20_000
_SHOWS_KEPT: Final = 100


@dataclass(frozen=True)
class AudioFile:
    """A file with sound.

    Attributes:
        kind: of `AUDIO_FORMATS`.
        size_bytes: its exact size.
    """

    kind: str
    size_bytes: int


@dataclass(frozen=True)
class Rendering:
    """A completed job of an episode.

    Attributes:
        job_id: the job.
        title: of the episode, as the job has it.
        author: as the job has it.
        completed_at: seconds since the epoch.
        audio_seconds: length of the episode.
        audio: its audio files, the one that most clients play first.
        kinds: all kinds of its files.
        cover: `jpg` or `png`, if the episode has a cover of its own and not its show's; else empty.
    """

    job_id: str
    title: str
    author: str
    completed_at: float
    audio_seconds: float
    audio: tuple[AudioFile, ...]
    kinds: frozenset[str]
    cover: str = ""


@dataclass(frozen=True)
class ShownEpisode:
    """An episode that can be heard.

    Attributes:
        record: what identifies it, and what is said of it.
        rendering: its audio.
    """

    record: EpisodeRecord
    rendering: Rendering

    @property
    def title(self) -> str:
        """Its own, or that of the job."""
        return self.record.title or self.rendering.title or self.record.episode_id

    @property
    def published_at(self) -> float:
        """Seconds since the epoch; the same however often it is rendered again."""
        return self.record.appears_at


@dataclass(frozen=True)
class Listing:
    """The episodes of a show.

    Attributes:
        heard: those that can be heard, newest first.
        records: all of them.
        modified: when one of them was changed last, seconds since the epoch.
    """

    heard: tuple[ShownEpisode, ...]
    records: tuple[EpisodeRecord, ...]
    modified: float

    def published(self, *, now: float) -> list[ShownEpisode]:
        """Those that are in the feed at this time."""
        return [one for one in self.heard if not one.record.is_hidden and one.published_at <= now]


class Renderings:
    """Reads listings; keeps what does not change."""

    def __init__(self, store: Store, *, kept_seconds: float = _KEPT_SECONDS) -> None:
        self._store = store
        self._kept_seconds = kept_seconds
        self._records: dict[str, tuple[Entry, EpisodeRecord]] = {}
        self._completed: dict[str, Rendering] = {}
        self._listings: dict[str, tuple[float, Listing]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def listing(self, show_id: str) -> Listing:
        """The episodes of a show, as they were at most two seconds ago.

        Raises:
            StoreDown: the store does not answer.
        """
        async with self._turns.setdefault(show_id, asyncio.Lock()):
            at, kept = self._listings.get(show_id, (0.0, None))
            if kept is not None and time.monotonic() - at < self._kept_seconds:
                return kept
            found = await self._read(show_id)
            self._listings[show_id] = (time.monotonic(), found)
        while len(self._listings) > _SHOWS_KEPT:
            oldest = next(iter(self._listings))
            del self._listings[oldest]
            self._turns.pop(oldest, None)
        return found

    async def _read(self, show_id: str) -> Listing:
        entries = await show_episodes.entries(self._store, show_id)
        known = {entry.key: self._records.get(entry.key) for entry in entries}
        stale = {entry.key: entry for entry in entries if not _is_same(known[entry.key], entry)}
        for record in await show_episodes.read_all(self._store, list(stale)):
            key = keys.show_episode(record.show_id, record.episode_id)
            if key in stale:  # a record says itself whose it is
                self._keep(key, stale[key], record)
        records = [kept[1] for entry in entries if (kept := self._records.get(entry.key)) is not None]
        heard = [
            ShownEpisode(record, rendering)
            for record, rendering in zip(
                records, await gathered(self._newest, records, at_a_time=_READ_AT_A_TIME), strict=True
            )
            if rendering is not None
        ]
        heard.sort(key=lambda one: (one.published_at, one.record.episode_id), reverse=True)
        changed = [entry.modified for entry in entries] + [one.rendering.completed_at for one in heard]
        return Listing(tuple(heard), tuple(records), max(changed, default=0.0))

    def _keep(self, key: str, entry: Entry, record: EpisodeRecord) -> None:
        while len(self._records) >= _JOBS_KEPT:
            del self._records[next(iter(self._records))]
        self._records[key] = (entry, record)

    async def _newest(self, record: EpisodeRecord) -> Rendering | None:
        for job_id in reversed(record.jobs):
            found = self._completed.get(job_id) or await self._rendering(job_id)
            if found is not None:
                return found
        return None

    async def _rendering(self, job_id: str) -> Rendering | None:
        try:
            status = await look(self._store, job_id)
        except UnreadableJob:
            return None
        if status is None or status.state != "completed":
            return None
        found = await rendering_of(self._store, status)
        if found is not None:
            while len(self._completed) >= _JOBS_KEPT:
                del self._completed[next(iter(self._completed))]
            self._completed[job_id] = found
        return found


def _is_same(known: tuple[Entry, EpisodeRecord] | None, entry: Entry) -> bool:
    return known is not None and bool(entry.tag) and known[0] == entry


async def rendering_of(store: Store, status: JobStatus) -> Rendering | None:
    """What can be heard of a completed job; None if it has no audio any more."""
    own = {kind: key for kind, key in status.files.items() if KIND.fullmatch(kind)}
    audio = []
    for kind in AUDIO_FORMATS:
        # Whoever can write a status could name any object.
        if kind in own and own[kind].startswith(keys.job(status.job_id)):
            try:
                size = await store.size(own[kind])
            except NotFound:
                continue
            if size:
                audio.append(AudioFile(kind, size))
    if not audio:
        return None
    ended = [change.at for change in status.history if change.state == "completed"]
    return Rendering(
        status.job_id,
        status.title,
        status.author,
        ended[-1] if ended else status.updated_at,
        status.audio_seconds,
        tuple(audio),
        frozenset(own),
        await _own_cover(store, status.job_id),
    )


async def _own_cover(store: Store, job_id: str) -> str:
    request = await job_request.readable(store, job_id)
    if request is None or (request.cover is not None and is_of_the_show(request.cover)):
        return ""
    try:
        mark = await store.get_range(request.cover or keys.cover(job_id), 0, MARK_BYTES)
    except NotFound:
        return ""
    return suffix_of(mark)
