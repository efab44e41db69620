"""A job's documents in the store: request, manifest, status, and its mark as active.

State is fenced: a request is created once and the first one counts; a status is replaced only over the version that
this process knows. Reading is tolerant of fields that a newer version has added.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TypeVar

from pydantic import ValidationError

from shared.deadlines import in_thread
from shared.errors import BadInput, Conflict, NotFound, Outage
from shared.protocol.manifest import Manifest
from shared.protocol.messages import JOB_ID, Frozen, JobRequest, JobStatus
from shared.protocol.reading import read
from shared.store import job_manifest, keys
from shared.store.port import Store

Model = TypeVar("Model", bound=Frozen)

PAGE_KEYS = 1_000


class Overtaken(Outage):
    """Another coordinator has moved the job in the meantime: what this process remembers of it is out of date."""


class Unreadable(BadInput):
    """A document of a job is not what it should be. Only this job is affected."""


class Records:
    """The documents of jobs in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def status(self, job_id: str) -> tuple[JobStatus, str] | None:
        """The job's status and its version; None if there is none.

        Raises:
            Unreadable: it is not a status.
        """
        try:
            data, version = await self._store.get_versioned(keys.status(job_id))
        except NotFound:
            return None
        return _read(JobStatus, data, f"The status of job {job_id}"), version

    async def write(self, status: JobStatus, version: str | None) -> str:
        """Write the job's status over the version that this process knows (None: there is none); the new version.

        Raises:
            Overtaken: the store has a different version.
        """
        key, data = keys.status(status.job_id), status.model_dump_json().encode()
        try:
            if version is None:
                return await self._store.create(key, data, content_type="application/json")
            return await self._store.replace(key, data, version=version, content_type="application/json")
        except Conflict as error:
            raise Overtaken(f"Job {status.job_id} was moved on by another coordinator.") from error

    async def request(self, job_id: str) -> JobRequest | None:
        """The job's request; None if nobody has stored it.

        Raises:
            Unreadable: it is not a request.
        """
        try:
            data = await self._store.get(keys.request(job_id))
        except NotFound:
            return None
        return _read(JobRequest, data, f"The request of job {job_id}")

    async def first_request(self, request: JobRequest) -> JobRequest:
        """Store the request, and return the one that counts: the first with this id."""
        try:
            await self._store.create(
                keys.request(request.job_id), request.model_dump_json().encode(), content_type="application/json"
            )
        except Conflict:
            return await self.request(request.job_id) or request
        return request

    async def has_request(self, job_id: str) -> bool:
        """Whether somebody has submitted this job."""
        return await self._store.exists(keys.request(job_id))

    async def was_deleted(self, job_id: str) -> bool:
        """Whether somebody has deleted this job."""
        return await self._store.exists(keys.deleted(job_id))

    async def manifest(self, job_id: str) -> Manifest | None:
        """The job's manifest, as it was corrected; None if it is not chunked yet.

        Raises:
            Unreadable: it is not a manifest of this job.
        """
        try:
            data = await job_manifest.read_bytes(self._store, job_id)
        except NotFound:
            return None
        # In a thread: a manifest of 20,000 chunks is about 8 MB.
        manifest = await in_thread(partial(_read, Manifest, data, f"The manifest of job {job_id}"))
        if manifest.job_id != job_id:
            raise Unreadable(f"The manifest of job {job_id} is of job {manifest.job_id}.")
        return manifest

    async def has(self, key: str) -> bool:
        """Whether a piece of work is finished: its object exists."""
        return await self._store.exists(key)

    async def mark_active(self, job_id: str) -> None:
        """Mark the job as active, so that a restarted coordinator finds it."""
        await self._store.put(keys.active(job_id), b"")

    async def unmark_active(self, job_id: str) -> None:
        """Remove the mark: the job has ended, and its end has been announced."""
        await self._store.delete(keys.active(job_id))

    async def active_ids(self) -> AsyncIterator[list[str]]:
        """The jobs that have not ended, a page at a time."""
        after = ""
        while page := await self._store.page(keys.ACTIVE, after=after, limit=PAGE_KEYS):
            after = page[-1]
            yield [job_id for key in page if JOB_ID.fullmatch(job_id := key.removeprefix(keys.ACTIVE))]


def _read(model: type[Model], data: bytes, what: str) -> Model:
    try:
        return read(model, data, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unreadable(f"{what} cannot be read: {place + ': ' if place else ''}{first['msg']}.") from error
