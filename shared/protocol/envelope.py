"""What travels around a message's body: the AMQP properties and headers that the engine reads and writes.

A message keeps its identity through retries, dead-lettering and replays: `message_id`, `correlation_id` (the job),
`type` (its first routing key) and the headers here. Copies never carry `x-death*` or `x-delivery-count`, which belong
to the broker.

Anyone who reaches the broker can set any property and any header, so every function here accepts any value: nothing is
raised, and what is copied can be sent again. tests/fuzz/test_headers.py checks that.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode

from shared.protocol import header_values
from shared.protocol.messages import CHUNKS_LIMIT, JOB_ID, Frozen
from shared.protocol.reading import APP_ID
from shared.protocol.topology import DEAD_EXCHANGE, EXCHANGE

ATTEMPT = "x-attempt"
"""1 at the first delivery; incremented by a retry that counts."""
WAITS = "x-waits"
"""How often in a row the message has waited for a server that was down."""
ATTEMPTS_LOG = "x-attempts"
"""JSON: a list of {"attempt", "at", "error"}, oldest first."""
NOT_BEFORE = "x-not-before"
"""Seconds since the epoch before which the message should not be tried: a server asked for a pause (`Retry-After`)."""
STILL_SECONDS = "x-still-seconds"
"""What remains of that pause after the current wait queue. It needs no clock: if clocks jump, the message waits for
the shorter of the two."""
SUSPECT = "x-suspect"
"""It was in flight in a process that died, or on a connection that broke; see shared/runtime/quarantine.py."""
ORIGIN_EXCHANGE = "x-origin-exchange"
ORIGIN_ROUTING_KEY = "x-origin-routing-key"
"""Where a copy was first published; the default exchange, through which copies are sent, would hide it."""

TRACEPARENT = "traceparent"
"""The W3C trace context of the span that published it; copies keep it (docs/tracing.md)."""

EXCEPTION_TYPE = "x-exception-type"
EXCEPTION_MESSAGE = "x-exception-message"
EXCEPTION_STACKTRACE = "x-exception-stacktrace"
ORIGINAL_EXCHANGE = "x-original-exchange"
ORIGINAL_ROUTING_KEY = "x-original-routing-key"
SERVICE = "x-service"
DIED_AT = "x-died-at"
JOB = "x-job-id"
CHUNK = "x-chunk"

OF_A_DEAD_LETTER = (
    EXCEPTION_TYPE,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    ORIGINAL_EXCHANGE,
    ORIGINAL_ROUTING_KEY,
    SERVICE,
    DIED_AT,
    JOB,
    CHUNK,
)

STACKTRACE_LIMIT_CHARACTERS = 6_000
REASON_LIMIT_CHARACTERS = 2_000
_BODY_LIMIT_BYTES = 1_000_000
"""None of our messages is larger; parsing such a body for a job's id would block the event loop."""
LOG_ERROR_LIMIT_CHARACTERS = 300
LOG_LIMIT_ENTRIES = 20

OURS = frozenset(
    {
        ATTEMPT,
        WAITS,
        ATTEMPTS_LOG,
        NOT_BEFORE,
        STILL_SECONDS,
        SUSPECT,
        ORIGIN_EXCHANGE,
        ORIGIN_ROUTING_KEY,
        TRACEPARENT,
        *OF_A_DEAD_LETTER,
    }
)


class Attempt(TypedDict):
    """One failed attempt to handle a message."""

    attempt: int
    at: str
    error: str


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def outgoing(message: Frozen, *, job_id: str, persistent: bool = True) -> aio_pika.Message:
    """The AMQP message that carries `message`."""
    body = message.model_dump_json().encode()
    kind = getattr(message, "ROUTING_KEY", None)
    return aio_pika.Message(
        body,
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT if persistent else DeliveryMode.NOT_PERSISTENT,
        # Derived from the content, so that a message published twice can be recognised.
        message_id=hashlib.sha256(f"{kind} ".encode() + body).hexdigest()[:32],
        correlation_id=job_id,
        type=kind,
        timestamp=time.time(),
        app_id=APP_ID,
    )


def origin(message: AbstractIncomingMessage) -> tuple[str, str]:
    """Exchange and routing key under which the message was first published.

    One that comes straight from a topic exchange was published there, under a key that its sender may use. The headers
    of a copy say more, but only those who may put copies into the queue can have written them.
    """
    if message.exchange in {EXCHANGE, DEAD_EXCHANGE}:
        return message.exchange or "", header_values.short(message.routing_key)
    exchange = message.headers.get(ORIGIN_EXCHANGE, message.exchange)
    routing_key = message.headers.get(ORIGIN_ROUTING_KEY, message.routing_key)
    return header_values.short(exchange), header_values.short(routing_key)


def kind(message: AbstractIncomingMessage) -> str:
    """The message's type, or its routing key if a stranger published it without one."""
    return header_values.short(message.type) or origin(message)[1]


def is_dead_letter(message: AbstractIncomingMessage) -> bool:
    """Whether this is a copy of another queue's dead letter."""
    return origin(message)[0] == DEAD_EXCHANGE


def attempt(message: AbstractIncomingMessage) -> int:
    """The number of this attempt, from 1. A copy of a dead letter carries an old count, which is ignored."""
    if message.exchange == DEAD_EXCHANGE:
        return 1
    return max(1, header_values.count(message.headers.get(ATTEMPT)))


def waits(message: AbstractIncomingMessage) -> int:
    """How often in a row it has waited for a server that was down."""
    return header_values.count(message.headers.get(WAITS))


def still_seconds(message: AbstractIncomingMessage, *, limit: float) -> float:
    """How long the message must still wait before it may be tried, in seconds; 0 if it may be tried now.

    Args:
        message: from a wait queue, or from a stranger.
        limit: the maximum, whatever the headers say.
    """
    left = header_values.number(message.headers.get(STILL_SECONDS))
    moment = header_values.number(message.headers.get(NOT_BEFORE))
    if left is None or moment is None:
        return 0.0
    return max(0.0, min(left, moment - time.time(), limit))


def age_seconds(message: AbstractIncomingMessage) -> float | None:
    """How long ago the message was published; at least 0, since clocks differ.

    None if it says nothing of this delivery: it was delivered before, or it is a copy, which keeps the first moment.
    """
    moment = message.timestamp
    if message.redelivered or ORIGIN_EXCHANGE in message.headers or not isinstance(moment, datetime):
        return None
    if is_dead_letter(message):
        return None
    return max(0.0, time.time() - moment.timestamp())


def identity(message: AbstractIncomingMessage) -> str:
    """The message's id; for a stranger's message without one, a digest of its body."""
    return header_values.short(message.message_id) or hashlib.sha256(message.body).hexdigest()[:32]


def attempts(headers: Mapping[str, Any]) -> list[Attempt]:
    """The latest failed attempts, oldest first, each with the beginning of its reason."""
    try:
        log = json.loads(header_values.text(headers.get(ATTEMPTS_LOG)) or "[]")
    except (ValueError, RecursionError):  # a stranger's, maliciously nested
        return []
    entries = [entry for entry in log if isinstance(entry, dict)] if isinstance(log, list) else []
    return [
        Attempt(
            attempt=header_values.count(entry.get("attempt")),
            at=header_values.text(entry.get("at"))[:40],
            error=header_values.text(entry.get("error"))[:LOG_ERROR_LIMIT_CHARACTERS],
        )
        for entry in entries[-LOG_LIMIT_ENTRIES:]
    ]


def attempts_log(headers: Mapping[str, Any], failed: Attempt) -> str:
    """The header that lists the failed attempts so far and one more."""
    return json.dumps([*attempts(headers), failed][-LOG_LIMIT_ENTRIES:], ensure_ascii=False)


def job_id(message: AbstractIncomingMessage) -> str | None:
    """The job a message belongs to, if known."""
    for candidate in (message.correlation_id, _from_body(message.body, "job_id")):
        if isinstance(candidate, str) and JOB_ID.fullmatch(candidate):
            return candidate
    return None


def chunk(message: AbstractIncomingMessage) -> int | None:
    """The chunk a message is about, if it is about one."""
    index = _from_body(message.body, "index")
    return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < CHUNKS_LIMIT else None


def copy(
    message: AbstractIncomingMessage, *, headers: dict[str, Any], expires_seconds: float | None = None
) -> aio_pika.Message:
    """The same message, to be published again, with `headers` overriding its own.

    A header set to None is left out.
    """
    exchange, routing_key = origin(message)
    added = {ORIGIN_EXCHANGE: exchange, ORIGIN_ROUTING_KEY: routing_key, **headers}
    own = {name: value for name, value in message.headers.items() if not _is_the_brokers(name)}
    merged = header_values.kept(own, ours=OURS)
    merged |= {name: header_values.sendable(value) for name, value in added.items()}
    return aio_pika.Message(
        message.body,
        headers={name: value for name, value in merged.items() if value is not None},
        content_type=header_values.short(message.content_type) or None,
        content_encoding=header_values.short(message.content_encoding) or None,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=identity(message),
        correlation_id=header_values.short(message.correlation_id) or job_id(message),
        type=kind(message),
        timestamp=message.timestamp if isinstance(message.timestamp, datetime) else None,
        app_id=header_values.short(message.app_id) or None,
        expiration=expires_seconds,
    )


def _is_the_brokers(name: str) -> bool:
    return name.startswith(("x-death", "x-first-death", "x-last-death")) or name in {
        "x-delivery-count",
        "x-acquired-count",
    }


def _from_body(body: bytes, field: str) -> Any:
    if len(body) > _BODY_LIMIT_BYTES:
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or maliciously nested
        return None
    return document.get(field) if isinstance(document, dict) else None
