"""Spans of messages, by OpenTelemetry's messaging conventions: `publish …` where one is made, `process …` at each try.

A message carries the context of its publish span in the header `traceparent`. Copies keep it, so each try of a message
is a child of the same span, in whichever process and however much later. What belongs to a job is always in that job's
trace: a context that is not, such as a stranger's, becomes a link.
"""

from __future__ import annotations

from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from shared.protocol import envelope
from shared.protocol.messages import JOB_ID
from shared.protocol.reading import is_from_outside
from shared.tracing import spans
from shared.tracing.context import TraceContext
from shared.tracing.spans import NOTHING, Attributes, Span, current, job_context, start


def publishing(message: aio_pika.Message, exchange: str, routing_key: str) -> Span:
    """The span of publishing a new message, whose header it sets; enter it while the broker confirms.

    It is a child of the current span, if that belongs to the message's job, else of the job itself, with a link to what
    gave occasion to it.
    """
    if spans.recorder() is None:
        return NOTHING
    here, because_of, job = current().context, current().because_of, _job_context(message.correlation_id)
    if here is None and job is None:
        return NOTHING
    is_of_the_job = here is not None and (job is None or here.trace_id == job.trace_id)
    if not is_of_the_job:
        because_of = here
    destination = f"{exchange}:{routing_key}" if exchange else routing_key
    span = start(
        f"publish {destination}",
        kind="producer",
        parent=here if is_of_the_job else job,
        links=[because_of] if because_of is not None else [],
        attributes={
            **_common(message),
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": destination,
            "messaging.rabbitmq.destination.routing_key": routing_key,
        },
    )
    carry(span, message.headers)
    return span


def sending_back(letter: AbstractIncomingMessage, message: aio_pika.Message, queue: str) -> Span:
    """The span of replaying a dead letter, with a link to what first published it; sets the header of the copy.

    Where traces are off, the copy keeps the context that it had.
    """
    job = _job_context(message.correlation_id)
    first = TraceContext.read(letter.headers.get(envelope.TRACEPARENT))
    span = start(
        f"replay {queue}",
        kind="producer",
        parent=job,
        links=[first] if first is not None else [],
        attributes={
            **_common(message),
            "messaging.operation.name": "replay",
            "messaging.operation.type": "send",
            "messaging.destination.name": queue,
            "messaging.rabbitmq.destination.routing_key": queue,
        },
    )
    carry(span, message.headers)
    return span


def carry(span: Span, headers: dict[str, Any]) -> None:
    """Put a span's context into a message's headers."""
    if span.context is not None:
        headers[envelope.TRACEPARENT] = span.context.traceparent


def processing(message: AbstractIncomingMessage, queue: str) -> Span:
    """The span of one try to handle a message.

    A message without a job begins no trace: it is recorded only as a part of what published it.
    """
    recorder = spans.recorder()
    if recorder is None:
        return NOTHING
    job_id = envelope.job_id(message)
    given, job = TraceContext.read(message.headers.get(envelope.TRACEPARENT)), _job_context(job_id)
    is_trusted = not is_from_outside(message)
    is_of_the_job = given is not None and is_trusted and (job is None or given.trace_id == job.trace_id)
    exchange, routing_key = envelope.origin(message)
    destination = ":".join(part for part in dict.fromkeys((exchange, routing_key, queue)) if part)
    return start(
        f"process {destination}",
        kind="consumer",
        parent=given if is_of_the_job else job,
        links=[given] if given is not None and not is_of_the_job else [],
        attributes={
            **_common(message),
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": destination,
            "messaging.rabbitmq.destination.routing_key": routing_key,
            "podcast.job.id": job_id,
            "podcast.chunk.index": envelope.chunk(message),
            "podcast.attempt": envelope.attempt(message),
            "podcast.redelivered": bool(message.redelivered) or None,
        },
    )


def _job_context(job_id: str | None) -> TraceContext | None:
    return job_context(job_id) if job_id and JOB_ID.fullmatch(job_id) else None


def _common(message: aio_pika.Message | AbstractIncomingMessage) -> Attributes:
    return {
        "messaging.system": "rabbitmq",
        "messaging.message.id": message.message_id,
        "messaging.message.conversation_id": message.correlation_id or None,
        "messaging.message.body.size": len(message.body),
    }
