"""One dead letter, explained: what it is, why it died, and how to tell it from every other.

A letter that a service buried carries our headers (`shared.delivery`). One that RabbitMQ gave up by itself (delivery
limit) carries only the broker's `x-death`, and one that a stranger put into the queue carries nothing; both are
explained too. Whatever is in a letter, reading it raises nothing.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode

from shared import envelope, topology
from shared.messages import JOB_ID
from shared.topology import WorkQueue

ID_CHARACTERS: Final = 12
"""48 bits: among 10,000 letters, two share an id by chance once in five million queues."""

PARSE_LIMIT_BYTES: Final = 2_000_000
"""No message of ours is larger (64,000 characters of text at most); larger bodies are strangers' and are not parsed."""

TEXT_LIMIT_CHARACTERS: Final = 2_000
"""What is kept of a text. A chunk is shorter; `podcast dlq export` has all of any body."""

REPLAYS: Final = "x-replays"
"""How often a person has sent the message back from its dead-letter queue."""

_OF_THE_BROKER: Final = re.compile("x-(first-|last-)?death|x-delivery-count$|x-acquired-count$")
"""Headers that would make a copy look as if it had been delivered or had died before."""

BROKERS_COUNTERS: Final = ("x-delivery-count", "x-acquired-count")
"""Made by the broker for each delivery: they rise with every look, and are no part of the letter."""


@dataclass(frozen=True)
class Letter:
    """A dead letter as people see it.

    Attributes:
        id: derived from everything in the letter, so it is the same at every look.
        queue: the work queue it died in.
        job_id: the job it belongs to, if anyone can tell.
        chunk: the chunk it is about, if it is about one.
        reason: why it is here, in plain sentences.
        error: the class of the exception; empty if the broker gave it up.
        attempts: the failed tries, oldest first.
        time: when it died, ISO 8601; None if nothing tells.
        text: what was to be spoken, or else the body; None if it is not text. At most TEXT_LIMIT_CHARACTERS.
        type: what kind of message it is: its routing key.
        size_bytes: of the body.
        replays: how often it has been replayed before.
        stacktrace: where it failed; may be empty.
        message_id: not unique: a message that died twice is two letters.
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


def read(message: AbstractIncomingMessage, queue: WorkQueue) -> Letter:
    """What a message in a dead-letter queue tells."""
    headers = message.headers
    document = _document(message.body)
    death = _death(message, queue)
    return Letter(
        id=identity(message),
        queue=queue.name,
        job_id=_job_id(message, document),
        chunk=_chunk(headers, document),
        reason=_reason(headers, death),
        error=_text(headers.get(envelope.EXCEPTION_TYPE)),
        attempts=_attempts(headers),
        time=_text(headers.get(envelope.DIED_AT)) or _time(death.get("time")),
        text=_spoken(message.body, document),
        type=message.type or _origin(message, queue)[1],
        size_bytes=len(message.body),
        replays=_whole_number(headers.get(REPLAYS)),
        stacktrace=_text(headers.get(envelope.EXCEPTION_STACKTRACE)),
        message_id=message.message_id,
    )


def identity(message: AbstractIncomingMessage) -> str:
    """A short id from all that the letter holds, apart from what changes when it is looked at."""
    headers = {name: value for name, value in message.headers.items() if name not in BROKERS_COUNTERS}
    properties = (message.message_id, message.correlation_id, message.type, message.timestamp, message.content_type)
    digest = hashlib.sha256(json.dumps([headers, properties], sort_keys=True, default=repr).encode())
    digest.update(message.body)
    return digest.hexdigest()[:ID_CHARACTERS]


def cleaned(message: AbstractIncomingMessage, queue: WorkQueue) -> aio_pika.Message:
    """The message as it was before it died, ready for its work queue.

    Its attempts start again from 1. The log of the earlier ones stays, so that a letter that dies again tells all.
    """
    exchange, routing_key = _origin(message, queue)
    headers = {name: _sendable(value) for name, value in message.headers.items() if not _OF_THE_BROKER.match(name)}
    if exchange != topology.DEAD_EXCHANGE:
        for name in envelope.OF_A_DEAD_LETTER:
            headers.pop(name, None)
    # else it is the news of another letter's death, which is told by just these headers
    headers.pop(envelope.WAITS, None)
    headers |= {
        envelope.ATTEMPT: 1,
        envelope.ORIGIN_EXCHANGE: exchange,
        envelope.ORIGIN_ROUTING_KEY: routing_key,
        REPLAYS: _whole_number(message.headers.get(REPLAYS)) + 1,
    }
    return aio_pika.Message(
        message.body,
        headers=headers,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        correlation_id=message.correlation_id or _job_id(message, _document(message.body)),
        type=message.type or routing_key,
        timestamp=message.timestamp,
        app_id=message.app_id,
    )


def _sendable(value: Any) -> Any:
    """The header value as the client library can send it: it hands out `bytes`, but takes only `bytearray`."""
    if isinstance(value, bytes):
        return bytearray(value)
    if isinstance(value, list):
        return [_sendable(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _sendable(entry) for name, entry in value.items()}
    return value


def _origin(message: AbstractIncomingMessage, queue: WorkQueue) -> tuple[str, str]:
    """Exchange and routing key under which the message was first published.

    `envelope.origin` would name the dead-letter exchange, over which the letter came here.
    """
    headers, death = message.headers, _death(message, queue)
    keys = death.get("routing-keys")
    candidates = (
        (headers.get(envelope.ORIGINAL_EXCHANGE), headers.get(envelope.ORIGINAL_ROUTING_KEY)),
        (headers.get(envelope.ORIGIN_EXCHANGE), headers.get(envelope.ORIGIN_ROUTING_KEY)),
        (death.get("exchange"), keys[0] if isinstance(keys, list) and keys else None),
    )
    for exchange, routing_key in candidates:
        if _text(exchange) and _text(routing_key):
            return _text(exchange), _text(routing_key)
    return topology.EXCHANGE, message.type or queue.consumes[0].ROUTING_KEY  # type: ignore[attr-defined] # all have one


def _death(message: AbstractIncomingMessage, queue: WorkQueue) -> dict[str, Any]:
    """The broker's own record of the death in this queue; empty if a service buried the message."""
    deaths = message.headers.get("x-death")
    for death in deaths if isinstance(deaths, list) else []:
        if isinstance(death, dict) and _text(death.get("queue")) == queue.name:
            return death
    return {}


def _reason(headers: dict[str, Any], death: dict[str, Any]) -> str:
    reason = _text(headers.get(envelope.EXCEPTION_MESSAGE))
    if reason:
        return reason
    match _text(death.get("reason")):
        case "delivery_limit":
            return (
                "It was delivered again and again, and each time its consumer was lost before it answered: killed,"
                " crashed or cut off. It may be what kills it, so RabbitMQ gave it up."
            )
        case "rejected":
            return "A consumer rejected it without a reason."
        case "":
            return "It carries no reason: some other program put it here."
        case other:
            return f"RabbitMQ took it out of its queue: {other}."


def _attempts(headers: dict[str, Any]) -> tuple[envelope.Attempt, ...]:
    return tuple(
        envelope.Attempt(
            attempt=_whole_number(entry.get("attempt")), at=_text(entry.get("at")), error=_text(entry.get("error"))
        )
        for entry in _parsed(_text(headers.get(envelope.ATTEMPTS_LOG)) or "[]", list)
        if isinstance(entry, dict)
    )


def _job_id(message: AbstractIncomingMessage, document: dict[str, Any]) -> str | None:
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
    """The text that was to be spoken, or what else the body says."""
    source = document.get("source")
    for holder in (document, source if isinstance(source, dict) else {}):
        text = holder.get("text")
        if isinstance(text, str):
            return text[:TEXT_LIMIT_CHARACTERS]
    start = body[: 4 * TEXT_LIMIT_CHARACTERS]  # a character takes four bytes at most
    try:
        # Incremental, since a character that was cut in two does not make the body binary.
        return codecs.getincrementaldecoder("utf-8")().decode(start, final=len(start) == len(body))[
            :TEXT_LIMIT_CHARACTERS
        ]
    except UnicodeDecodeError:
        return None


def _document(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = _parsed(body, dict) if len(body) <= PARSE_LIMIT_BYTES else {}
    return found


def _parsed(text: str | bytes, kind: type[Any]) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # a stranger may nest brackets ten thousand deep
        return kind()
    return value if isinstance(value, kind) else kind()


def _time(value: Any) -> str | None:
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)


def _whole_number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
