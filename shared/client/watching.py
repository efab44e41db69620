"""Follows jobs: the store is authoritative, events only arrive sooner.

`status.json` is read every second, because events are transient. An event between two reads updates the display sooner,
and one that reports the end triggers the next read immediately.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from typing import Final, TypeVar

from pydantic import ValidationError

from shared.errors import BadInput, DeadlineExceeded, NotFound, StoreDown
from shared.protocol import reading
from shared.protocol.messages import JOB_ID, TERMINAL_STATES, Frozen, JobRequest, JobStatus
from shared.store import keys
from shared.store.port import Store

POLL_SECONDS: Final = 1.0
OUTAGE_PATIENCE_SECONDS: Final = 900.0
"""A job survives a store outage of ten minutes, so a client that follows a job waits longer than that."""
LATE_SECONDS: Final = 600.0
"""The coordinator fails a job at its deadline; if it has not done so this long afterwards, it never will."""
_FIRST_LOOK_SECONDS: Final = 2.0
"""A job published by another client appears in the store only when the coordinator has taken it."""

Say = Callable[[str], None]
Document = TypeVar("Document", bound=Frozen)


class UnreadableJob(BadInput):
    """What the store has of a job is damaged, or was written by an incompatible version."""


def checked_id(job_id: str) -> str:
    """The id, if it is well-formed.

    Raises:
        BadInput: it is not.
    """
    if not JOB_ID.fullmatch(job_id):
        raise BadInput(f"{job_id!r} cannot be the id of a job.", hint="`podcast jobs` lists the jobs there are.")
    return job_id


async def look(store: Store, job_id: str) -> JobStatus | None:
    """The status of a job; None if the store has nothing of it.

    A job that was submitted but that no coordinator has taken yet is `queued`.

    Raises:
        UnreadableJob: what the store has of it cannot be read.
    """
    with contextlib.suppress(NotFound):
        return _read(JobStatus, job_id, await store.get(keys.status(job_id)))
    with contextlib.suppress(NotFound):
        request = _read(JobRequest, job_id, await store.get(keys.request(job_id)))
        # The times are unknown; with 0 the coordinator's first status counts as newer.
        return JobStatus(
            job_id=job_id,
            state="queued",
            title=request.title or "",
            author=request.author or "",
            submitted_at=0.0,
            updated_at=0.0,
        )
    return None


def _read(model: type[Document], job_id: str, data: bytes) -> Document:
    try:
        return reading.read(model, data, strict=False)
    except ValidationError as error:
        raise UnreadableJob(
            f"What the store has of job {job_id} cannot be read.",
            hint=f"`podcast delete {job_id}` removes it; other jobs are not concerned.",
        ) from error


async def known(store: Store, job_id: str) -> JobStatus:
    """The status of a job that should exist.

    Raises:
        NotFound: there is no such job.
    """
    give_up = time.monotonic() + _FIRST_LOOK_SECONDS
    while True:
        status = await look(store, checked_id(job_id))
        if status is not None:
            return status
        if time.monotonic() >= give_up:
            raise NotFound(f"There is no job {job_id}.", hint="`podcast jobs` lists the jobs there are.")
        await asyncio.sleep(_FIRST_LOOK_SECONDS / 4)


async def follow(
    job_id: str, *, store: Store, events: asyncio.Queue[JobStatus], limit_seconds: float, say: Say
) -> AsyncGenerator[JobStatus, None]:
    """Each new status of a job; ends after the one with which the job ended.

    Args:
        job_id: of a job that exists.
        store: where its status is.
        events: its statuses from events; may stay empty.
        limit_seconds: the job's own overall deadline.
        say: called with a message when the store stops answering.

    Raises:
        StoreDown: the store was down for `OUTAGE_PATIENCE_SECONDS`.
        DeadlineExceeded: the job outlived its own deadline, so nothing is working on it.
    """
    latest: JobStatus | None = None
    end = time.monotonic() + limit_seconds + LATE_SECONDS
    next_look = time.monotonic()
    while time.monotonic() < end:
        wait_seconds = next_look - time.monotonic()
        if wait_seconds > 0:
            heard = await _next(events, wait_seconds)
            if heard is not None and heard.state in TERMINAL_STATES:
                next_look = time.monotonic()
            elif heard is not None and _is_news(heard, latest):
                latest = heard
                yield heard
            continue
        status = await _patient_look(store, job_id, say)
        next_look = time.monotonic() + POLL_SECONDS
        if status is not None and _is_news(status, latest):
            latest = status
            yield status
        if status is not None and status.state in TERMINAL_STATES:
            return
    raise DeadlineExceeded(
        f"Job {job_id} has not ended long after its deadline of {limit_seconds:g} s.",
        hint="Check with `podcast ps` that the coordinator runs.",
    )


async def _next(events: asyncio.Queue[JobStatus], seconds: float) -> JobStatus | None:
    try:
        async with asyncio.timeout(seconds):
            return await events.get()
    except TimeoutError:
        return None


def _is_news(status: JobStatus, latest: JobStatus | None) -> bool:
    return latest is None or status.updated_at > latest.updated_at or status.state in TERMINAL_STATES


async def _patient_look(store: Store, job_id: str, say: Say) -> JobStatus | None:
    give_up = time.monotonic() + OUTAGE_PATIENCE_SECONDS
    told = False
    while True:
        try:
            return await look(store, job_id)
        except StoreDown as error:
            if time.monotonic() >= give_up:
                raise
            if not told:
                say(f"{error.message} The job goes on by itself; waiting for the store.")
                told = True
            await asyncio.sleep(POLL_SECONDS)
