"""A job's end as a durable event. Pure: made from the status alone, so that telling it twice is the same message."""

from __future__ import annotations

from typing import Any

from shared.protocol.messages import JobCancelled, JobCompleted, JobEnded, JobFailed, JobStatus


def ending(status: JobStatus) -> JobEnded:
    """What is announced of a job that has ended so."""
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
