"""One dead letter, explained: what it is, why it died, and how to tell it from any other.

A message that a service dead-lettered carries our headers (`shared/runtime/delivery.py`). One that RabbitMQ gave up
(delivery limit) carries only the broker's `x-death`, and one that a stranger put into the queue carries nothing; these
are explained too. Whatever a dead letter contains, reading it never raises.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from aio_pika.abc import AbstractIncomingMessage

from shared.dead_letters import headers as told
from shared.protocol import envelope
from shared.protocol.messages import JOB_ID
from shared.protocol.topology import WorkQueue

ID_CHARACTERS: Final = 12
"""48 bits: of five million queues with 10,000 dead letters each, one has two that share an id by chance."""

PARSE_LIMIT_BYTES: Final = 2_000_000
"""None of our messages is larger (at most 64,000 characters of text); larger bodies are strangers' and not parsed."""

TEXT_LIMIT_CHARACTERS: Final = 2_000
"""How much of a text is kept. A chunk is shorter; `podcast dlq export` has every body in full."""

BROKERS_COUNTERS: Final = ("x-delivery-count", "x-acquired-count")
"""Set by the broker for each delivery: they rise with every look, so they are not part of the dead letter."""


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter as people see it.

    Attributes:
        id: derived from its whole content, so it is the same at every look.
        queue: the work queue it died in.
        job_id: the job it belongs to, if known.
        chunk: the chunk it is about, if it is about one.
        reason: why it is here, in plain sentences.
        error: the class of the exception; empty if the broker gave it up.
        attempts: the failed tries, oldest first.
        time: when it died, ISO 8601; None if unknown.
        text: what was to be spoken, or else the body; None if it is not text. At most TEXT_LIMIT_CHARACTERS.
        type: the kind of message: its routing key.
        size_bytes: of the body.
        replays: how often it has been replayed before.
        stacktrace: where it failed; may be empty.
        message_id: not unique: a message that died twice is two dead letters.
    """

    id: str
    queue: str
    job_id: str | None
    chunk: int | None
    reason: str
    error: str
    attempts: tuple[envelope.Attempt, ...]
    time: str | None
    text: str | None
    type: str
    size_bytes: int
    replays: int
    stacktrace: str
    message_id: str | None


def read(message: AbstractIncomingMessage, queue: WorkQueue) -> DeadLetter:
    """Interpret a message in a dead-letter queue."""
    headers = message.headers
    document = document_in(message.body)
    death = told.death_of(message, queue)
    return DeadLetter(
        id=identity(message),
        queue=queue.name,
        job_id=job_of(message, document),
        chunk=_chunk(headers, document),
        reason=told.reason(headers, death),
        error=told.text(headers.get(envelope.EXCEPTION_TYPE)),
        attempts=told.attempts(headers),
        time=told.text(headers.get(envelope.DIED_AT)) or told.moment(death.get("time")),
        text=_spoken(message.body, document),
        type=message.type or told.origin(message, queue)[1],
        size_bytes=len(message.body),
        replays=told.whole_number(headers.get(told.REPLAYS)),
        stacktrace=told.text(headers.get(envelope.EXCEPTION_STACKTRACE)),
        message_id=message.message_id,
    )


def identity(message: AbstractIncomingMessage) -> str:
    """A short id derived from everything in the message except what changes when it is looked at."""
    headers = {name: value for name, value in message.headers.items() if name not in BROKERS_COUNTERS}
    properties = (message.message_id, message.correlation_id, message.type, message.timestamp, message.content_type)
    digest = hashlib.sha256(json.dumps([headers, properties], sort_keys=True, default=repr).encode())
    digest.update(message.body)
    return digest.hexdigest()[:ID_CHARACTERS]


def job_of(message: AbstractIncomingMessage, document: dict[str, Any]) -> str | None:
    """The job that a message belongs to, if known; `document` is its parsed body."""
    for candidate in (message.headers.get(envelope.JOB), message.correlation_id, document.get("job_id")):
        if isinstance(candidate, str) and JOB_ID.fullmatch(candidate):
            return candidate
    return None


def _chunk(headers: dict[str, Any], document: dict[str, Any]) -> int | None:
    for candidate in (headers.get(envelope.CHUNK), document.get("index")):
        if isinstance(candidate, int) and not isinstance(candidate, bool):
            return candidate
    return None


def _spoken(body: bytes, document: dict[str, Any]) -> str | None:
    """The text that was to be spoken, or else the body as text."""
    source = document.get("source")
    for holder in (document, source if isinstance(source, dict) else {}):
        text = holder.get("text")
        if isinstance(text, str):
            return told.text(text[:TEXT_LIMIT_CHARACTERS])
    start = body[: 4 * TEXT_LIMIT_CHARACTERS]  # a character takes four bytes at most
    try:
        # Incremental, so that a character cut in half does not make the body count as binary.
        return codecs.getincrementaldecoder("utf-8")().decode(start, final=len(start) == len(body))[
            :TEXT_LIMIT_CHARACTERS
        ]
    except UnicodeDecodeError:
        return None


def document_in(body: bytes) -> dict[str, Any]:
    """The body as a JSON object, or an empty one."""
    found: dict[str, Any] = told.parsed(body, dict) if len(body) <= PARSE_LIMIT_BYTES else {}
    return found
