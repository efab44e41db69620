"""Watching a gateway's event streams as a client does, and making a job's life without a coordinator."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, aconnect_sse

from services.coordinator.events import event_of
from services.coordinator.jobs import Jobs
from services.coordinator.life import TABLE
from shared.protocol.messages import JobEnded, JobEvent, JobRequest, JobStatus, TextSource, new_job_id
from shared.runtime.publishing import Publisher
from shared.store import keys
from shared.store.port import Store


@dataclass
class Seen:
    """One event as a client got it."""

    event: str
    data: dict[str, Any]
    id: str
    retry: int | None

    @property
    def state(self) -> str:
        return str(self.data.get("state"))


@asynccontextmanager
async def watching(client: httpx.AsyncClient, path: str, *, last: str = "") -> AsyncIterator[AsyncIterator[Seen]]:
    """The events of a stream, parsed by httpx-sse."""
    headers = {"Last-Event-ID": last} if last else {}
    async with aconnect_sse(client, "GET", path, headers=headers) as source:
        if source.response.is_error:
            await source.response.aread()
        source.response.raise_for_status()
        yield _events(source)


async def _events(source: EventSource) -> AsyncIterator[Seen]:
    async for one in source.aiter_sse():
        yield Seen(one.event, json.loads(one.data), one.id, one.retry)


async def until_end(client: httpx.AsyncClient, path: str, *, last: str = "") -> list[Seen]:
    """All events of a stream that ends by itself."""
    async with watching(client, path, last=last) as events:
        return [event async for event in events]


async def take(events: AsyncIterator[Seen], count: int) -> list[Seen]:
    """The next events."""
    return [await anext(events) for _ in range(count)]


class Life:
    """A job whose states the test decides; written and told as the coordinator does.

    Args:
        store: of the job.
        publish: tells watchers; None: nobody is told.

    Attributes:
        publish: as given; may be changed.
    """

    def __init__(self, store: Store, publish: Publisher | None = None, job_id: str = "") -> None:
        self.job_id = job_id or new_job_id()
        self._store = store
        self.publish = publish
        self.jobs = Jobs(store, tell=self._tell, announce=self._announce)

    async def _tell(self, event: JobEvent) -> None:
        if self.publish is not None:
            await self.publish.event(event)

    async def _announce(self, event: JobEnded) -> None:
        del event

    async def submitted(self) -> None:
        """A client has stored the request; no coordinator has taken it."""
        request = JobRequest(job_id=self.job_id, source=TextSource(text="Hello."), title="A title")
        await self._store.create(keys.request(self.job_id), request.model_dump_json().encode())

    async def goes(self, *states: str) -> None:
        """The job goes through these states."""
        for state in states:
            job = await self.jobs.find(self.job_id) or await self.jobs.begin(self.job_id)
            if state == "resumed":
                await self.jobs.reopen(job)
                continue
            event = next(event for event, after in TABLE[job.status.state].items() if after == state)
            assert await self.jobs.move(job, event)

    async def progresses(self, audio_seconds: float, *, is_written: bool = True) -> None:
        """Progress within its state."""
        job = await self.jobs.find(self.job_id)
        assert job is not None
        job.audio_seconds = audio_seconds
        job.status = job.status_now()
        if is_written:
            await self.jobs.write(job)
        await self._tell(event_of(job.status))

    async def is_deleted(self) -> None:
        """Nothing is left of it."""
        async for key in self._store.list(keys.job(self.job_id)):
            await self._store.delete(key)
        await self._store.delete(keys.active(self.job_id))
        self.jobs.forget_all()

    async def status(self) -> JobStatus:
        return JobStatus.model_validate_json(await self._store.get(keys.status(self.job_id)))
