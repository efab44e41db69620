"""A job's trace: one span for all of it, under which the coordinator publishes whatever the job waits for next.

A request for a piece of work is published when some other message has made room for it. Below that message's span, a
book would become one chain of thousands of spans; and after a restart there is no such message. So it is a child of the
job's own span, whose ids are derived from the job's (`docs/adr/0020-traces.md`), with a link to the message.
"""

from __future__ import annotations

import uuid
from typing import Final

from services.coordinator.job import Job
from shared.protocol.messages import JobStatus
from shared.tracing.context import of_resumption
from shared.tracing.spans import NOTHING, Span, current, job_context, recorder, start

_WAITED_LIMIT_SECONDS: Final = 7 * 86_400.0
_UUID7: Final = 7


def of(job: Job) -> Span:
    """The span of all of the job: enter it to publish something for it."""
    status = job.status
    context = job_context(job.job_id, resumed_at=status.resumed_at, is_forced=status.traced)
    return NOTHING if context is None else Span(context, because_of=current().context)


def is_asked_for(job_id: str) -> bool:
    """Whether the message of a new job says that it is traced although the sampler would not have chosen it."""
    job = job_context(job_id)
    return job is not None and not job.is_sampled and current().is_recorded


def ended(status: JobStatus) -> None:
    """Record the span of a job that has ended, or has ended again. Twice it has the same ids."""
    found = recorder()
    job = job_context(status.job_id, is_forced=status.traced)
    if found is None or job is None or not job.is_sampled:
        return
    resumed_at = status.resumed_at
    span = start(
        "job resumed" if resumed_at else "job",
        kind="internal",
        parent=job if resumed_at else None,
        links=[job] if resumed_at else [],
        attributes={
            "podcast.job.id": status.job_id,
            "podcast.job.state": status.state,
            "podcast.job.chunks": status.chunks.total,
            "podcast.job.audio_seconds": status.audio_seconds,
        },
        began_at=resumed_at or _began_at(status),
        own=of_resumption(job, resumed_at) if resumed_at else job,
    )
    if status.state == "failed":
        span.failed("JobFailed", reason=status.error or "")
    span.end(status.updated_at)


def _began_at(status: JobStatus) -> float:
    """When its client made its id, if the id says so (UUIDv7): what came before the coordinator belongs to it too."""
    try:
        made = uuid.UUID(status.job_id)
    except ValueError:
        return status.submitted_at
    seconds = (made.int >> 80) / 1_000
    is_plausible = made.version == _UUID7 and 0 <= status.submitted_at - seconds <= _WAITED_LIMIT_SECONDS
    return seconds if is_plausible else status.submitted_at
