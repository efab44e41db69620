"""Server-sent events as bytes (https://html.spec.whatwg.org/multipage/server-sent-events.html). Pure."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel, Field

from services.gateway.event_positions import Position, Step
from services.gateway.job_document import job_of
from shared.protocol.messages import JobStatus, WorkRetried

RETRY_MILLISECONDS: Final = 1_000
"""How long a browser waits before it connects again."""
RETRY: Final = f"retry: {RETRY_MILLISECONDS}\n".encode()
"""To be put before the first event of a stream."""


class SnapshotEnd(BaseModel):
    """The data of `current`: the snapshot is complete, and what follows are changes."""

    jobs: int = Field(description="how many jobs the snapshot had")
    more: bool = Field(description="whether there are more active jobs than a snapshot has")


def block(event: str, data: dict[str, Any], *, identity: str = "") -> bytes:
    """One event."""
    first = f"id: {identity}\n" if identity else ""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))  # has no line breaks
    return f"{first}event: {event}\ndata: {text}\n\n".encode()


def comment(text: str) -> bytes:
    """A line that clients ignore; it keeps the connection in use.

    No empty line follows: some clients would take it for the end of an event.
    """
    return f": {text}\n".encode()


def document(status: JobStatus, *, passed: bool = False) -> dict[str, Any]:
    """A job as the API shows it; with `passed`, of a state that the job has left."""
    found = job_of(status).model_dump(mode="json")
    return {**found, "passed": True} if passed else found


def step(one: Step) -> bytes:
    """A `status` event of a job's own stream."""
    return block("status", document(one.status, passed=one.passed), identity=str(Position.of(one.status)))


def status_of(status: JobStatus, *, identity: str = "", passed: bool = False) -> bytes:
    """A `status` event of the stream of all jobs."""
    return block("status", document(status, passed=passed), identity=identity)


def retrying(notice: WorkRetried) -> bytes:
    """A `retrying` event."""
    return block("retrying", notice.model_dump(mode="json"))


def resync(*, job_id: str = "") -> bytes:
    """A `resync` event: what came after the client's position is not known any more; a snapshot follows."""
    return block("resync", {"job_id": job_id} if job_id else {})
