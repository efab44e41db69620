"""What travels around a message's body: the AMQP properties and headers that the engine reads and writes.

A message keeps its identity through retries, dead-lettering and replays: `message_id`, `correlation_id` (the job),
`type` (its first routing key) and the headers here. Copies never carry `x-death*` or `x-delivery-count`, which belong
to the broker.
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

from shared.protocol.messages import JOB_ID, Frozen
from shared.protocol.topology import DEAD_EXCHANGE

ATTEMPT = "x-attempt"
"""1 at the first delivery; raised by a retry that counts."""
WAITS = "x-waits"
"""How often in a row the message has waited for a server that was down."""
ATTEMPTS_LOG = "x-attempts"
"""JSON: a list of {"attempt", "at", "error"}, oldest first."""
SUSPECT = "x-suspect"
"""It was in the hands of a process that died, or of a connection that broke; see shared/runtime/quarantine.py."""
ORIGIN_EXCHANGE = "x-origin-exchange"
ORIGIN_ROUTING_KEY = "x-origin-routing-key"
"""Where a copy was first published; the default exchange, over which copies travel, would hide it."""

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
FOREIGN_HEADERS_LIMIT_BYTES = 32_000
"""Headers must fit into one AMQP frame (128 KiB), ours beside those of strangers; larger ones are not copied."""
_BODY_LIMIT_BYTES = 1_000_000
"""No message of ours is larger; looking into such a body for a job's id would hold up the event loop."""
LOG_ERROR_LIMIT_CHARACTERS = 300


OURS = frozenset({ATTEMPT, WAITS, ATTEMPTS_LOG, SUSPECT, ORIGIN_EXCHANGE, ORIGIN_ROUTING_KEY, *OF_A_DEAD_LETTER})


class Attempt(TypedDict):
    """One failed try of a message."""

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
        # Derived, so that publishing twice is recognisably the same message.
        message_id=hashlib.sha256(f"{kind} ".encode() + body).hexdigest()[:32],
        correlation_id=job_id,
        type=kind,
        timestamp=time.time(),
        app_id="podcast-engine",
    )


def origin(message: AbstractIncomingMessage) -> tuple[str, str]:
    """Exchange and routing key under which the message was first published."""
    exchange = message.headers.get(ORIGIN_EXCHANGE, message.exchange)
    routing_key = message.headers.get(ORIGIN_ROUTING_KEY, message.routing_key)
    return str(exchange or ""), str(routing_key or "")


def kind(message: AbstractIncomingMessage) -> str:
    """What the message is: its type, or its routing key if a stranger published it without one."""
    return message.type or origin(message)[1]


def is_dead_letter(message: AbstractIncomingMessage) -> bool:
    """Whether this is a copy of another queue's dead letter."""
    return origin(message)[0] == DEAD_EXCHANGE


def attempt(message: AbstractIncomingMessage) -> int:
    """Which try this is, from 1. A copy of a dead letter brings the count of its first life; it begins anew."""
    if is_dead_letter(message) and ORIGIN_EXCHANGE not in message.headers:
        return 1
    return max(1, _whole_number(message.headers.get(ATTEMPT, 1)))


def waits(message: AbstractIncomingMessage) -> int:
    """How often in a row it has waited for a server that was down."""
    return max(0, _whole_number(message.headers.get(WAITS, 0)))


def identity(message: AbstractIncomingMessage) -> str:
    """The message's id; a stranger's message without one is known by its content."""
    return message.message_id or hashlib.sha256(message.body).hexdigest()[:32]


def attempts(headers: dict[str, Any]) -> list[Attempt]:
    """The failed tries so far, oldest first."""
    try:
        log = json.loads(_text(headers.get(ATTEMPTS_LOG)) or "[]")
    except ValueError:
        return []
    return log if isinstance(log, list) else []


def job_id(message: AbstractIncomingMessage) -> str | None:
    """The job a message belongs to, as far as anyone can tell."""
    for candidate in (message.correlation_id, _from_body(message.body, "job_id")):
        if isinstance(candidate, str) and JOB_ID.fullmatch(candidate):
            return candidate
    return None


def chunk(message: AbstractIncomingMessage) -> int | None:
    """The chunk a message is about, if it is about one."""
    index = _from_body(message.body, "index")
    return index if isinstance(index, int) else None


def copy(
    message: AbstractIncomingMessage, *, headers: dict[str, Any], expires_seconds: float | None = None
) -> aio_pika.Message:
    """The same message, to be published again, with `headers` over its own.

    A header set to None is left out.
    """
    exchange, routing_key = origin(message)
    merged = {
        **_kept(message.headers),
        ORIGIN_EXCHANGE: exchange,
        ORIGIN_ROUTING_KEY: routing_key,
        **headers,
    }
    return aio_pika.Message(
        message.body,
        headers={name: value for name, value in merged.items() if value is not None},
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=identity(message),
        correlation_id=message.correlation_id or job_id(message),
        type=kind(message),
        timestamp=message.timestamp,
        app_id=message.app_id,
        expiration=expires_seconds,
    )


def _kept(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers that a copy takes over."""
    own = {name: _sendable(value) for name, value in headers.items() if not _is_the_brokers(name)}
    if sum(len(name) + len(str(value)) for name, value in own.items()) <= FOREIGN_HEADERS_LIMIT_BYTES:
        return own
    return {name: value for name, value in own.items() if name in OURS}


def _sendable(value: Any) -> Any:
    """Byte arrays arrive as `bytes`, which the client library cannot send again."""
    return bytearray(value) if isinstance(value, bytes) else value


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
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested to hurt
        return None
    return document.get(field) if isinstance(document, dict) else None


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _whole_number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 1
