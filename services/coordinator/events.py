"""A job's events: durable ones of its end, transient ones for watchers. Pure: made from the status alone."""

from __future__ import annotations

from typing import Any

from shared.protocol.messages import (
    EventName,
    JobCancelled,
    JobCompleted,
    JobEnded,
    JobEvent,
    JobFailed,
    JobState,
    JobStatus,
)

_NAME: dict[JobState, EventName] = {"completed": "completed", "failed": "failed", "cancelled": "cancelled"}


def event_of(status: JobStatus, *, is_new: bool = False) -> JobEvent:
    """What watchers receive; they have no use for the bitmaps of what is finished."""
    name = "started" if is_new else _NAME.get(status.state, "progressed")
    return JobEvent(name=name, status=status.model_copy(update={"finished": {}}))


def ending(status: JobStatus) -> JobEnded:
    """The announcement that a job has ended; announced twice, it is the same message."""
    common: dict[str, Any] = {
        "job_id": status.job_id,
        "title": status.title,
        "submitted_at": status.submitted_at,
        "ended_at": status.updated_at,
    }
    match status.state:
        case "completed":
            return JobCompleted(
                **common, files=status.files, audio_seconds=status.audio_seconds, warnings=status.warnings
            )
        case "failed":
            return JobFailed(**common, error=status.error or "")
        case "cancelled":
            return JobCancelled(**common, reason=status.error or "")
        case other:
            raise ValueError(f"a job that is {other} has not ended")
