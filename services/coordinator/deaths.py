"""Copies of dead letters: they show that a piece of a job cannot be made. The dead letter stays for an operator.

The sender of a message is not trusted, and the correlation id may name somebody else's job. So a copy changes a job
only if it is a well-formed message that this job waits for: exactly what the coordinator would send. The one exception
is a job that could not even be read and whose id nobody else has used: its sender watches that id.
"""

from __future__ import annotations

from aio_pika import IncomingMessage
from pydantic import ValidationError

from services.coordinator import metrics
from services.coordinator.dispatching import Publish, dispatch
from services.coordinator.jobs import Jobs
from services.coordinator.life import Event
from shared.protocol import envelope, header_values, topology
from shared.protocol.messages import ChunkRequested, JobRequest, Message, PreviewRequested
from shared.protocol.reading import is_from_outside, read
from shared.protocol.topology import WorkQueue

_REASON_LIMIT_CHARACTERS = 2_000
"""How much of a reason a status keeps; the dead letter has all of it."""
_GIVEN_UP = "The message was delivered too often without being handled: it may kill its consumer."


async def dead_letter(
    copy: IncomingMessage, *, jobs: Jobs, publish: Publish, stages: tuple[WorkQueue, ...] = topology.STAGES
) -> None:
    """A copy of a dead letter of one of the stages' queues."""
    name = envelope.origin(copy)[1]
    queue = next((stage for stage in stages if stage.name == name), None)
    if queue is None:
        return
    metrics.DEAD_LETTERS.labels(queue.name).inc()
    message = _message(copy, queue)
    if message is not None and not message.ADVANCES_JOB:
        return
    if message is None:
        if queue is topology.CHUNKER and copy.type != PreviewRequested.ROUTING_KEY:
            await _unreadable_job(copy, jobs=jobs)
        return
    job_id: str = message.job_id  # type: ignore[attr-defined] # every message to a stage is about a job
    async with jobs.held(job_id):
        job = await jobs.find(job_id)
        if isinstance(message, JobRequest):
            job = job or await jobs.admit(message)
            if job.status.state in {"queued", "chunking"}:
                await jobs.move(job, Event.GIVEN_UP, error=_reason(copy))
            return
        if job is None or job.ended or job.status.state in {"queued", "chunking"}:
            return
        progress = await jobs.progress(job)
        if progress.fail(name, message, _reason(copy), _attempts(copy)):
            if isinstance(message, ChunkRequested):
                (await jobs.times(job)).ended(message.index, tries=_attempts(copy) or 0)
            await dispatch(job, jobs=jobs, publish=publish)


async def _unreadable_job(copy: IncomingMessage, *, jobs: Jobs) -> None:
    job_id = envelope.job_id(copy)
    if job_id is None:
        return
    async with jobs.held(job_id):
        if await jobs.find(job_id) is None and not await jobs.records.has_request(job_id):
            await jobs.move(await jobs.begin(job_id), Event.GIVEN_UP, error=_reason(copy))


def _message(copy: IncomingMessage, queue: WorkQueue) -> Message | None:
    """The message that died; None if it is not one that belongs in the queue."""
    kinds = {message.ROUTING_KEY: message for message in queue.consumes}
    kind = kinds.get(copy.type or "") or (None if copy.type else queue.consumes[0])
    if kind is None:
        return None
    try:
        return read(kind, copy.body, strict=is_from_outside(copy))
    except ValidationError:
        return None


def _attempts(copy: IncomingMessage) -> int | None:
    """How often it was tried; None if the broker gave it up, which does not say."""
    return header_values.count(copy.headers.get(envelope.ATTEMPT)) or None


def _reason(copy: IncomingMessage) -> str:
    """Why it died; a dead letter without our headers was given up by the broker."""
    reason = copy.headers.get(envelope.EXCEPTION_MESSAGE)
    if isinstance(reason, bytes):
        reason = reason.decode("utf-8", "replace")
    return str(reason or _GIVEN_UP)[:_REASON_LIMIT_CHARACTERS]
