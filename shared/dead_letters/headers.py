"""Reads the headers of a dead letter. A stranger may have put anything into them; reading never raises."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from aio_pika.abc import AbstractIncomingMessage

from shared.protocol import envelope, topology
from shared.protocol.topology import WorkQueue

REPLAYS: Final = "x-replays"
"""How often the message has been replayed from its dead-letter queue."""


def origin(message: AbstractIncomingMessage, queue: WorkQueue) -> tuple[str, str]:
    """Exchange and routing key under which the message was first published.

    `envelope.origin` would name the dead-letter exchange, through which the dead letter arrived.
    """
    headers, death = message.headers, death_of(message, queue)
    keys = death.get("routing-keys")
    candidates = (
        (headers.get(envelope.ORIGINAL_EXCHANGE), headers.get(envelope.ORIGINAL_ROUTING_KEY)),
        (headers.get(envelope.ORIGIN_EXCHANGE), headers.get(envelope.ORIGIN_ROUTING_KEY)),
        (death.get("exchange"), keys[0] if isinstance(keys, list) and keys else None),
    )
    for exchange, routing_key in candidates:
        if text(exchange) and text(routing_key):
            return text(exchange), text(routing_key)
    return topology.EXCHANGE, message.type or queue.consumes[0].ROUTING_KEY


def death_of(message: AbstractIncomingMessage, queue: WorkQueue) -> dict[str, Any]:
    """The broker's own record of the death in this queue; empty if a service dead-lettered the message."""
    deaths = message.headers.get("x-death")
    for death in deaths if isinstance(deaths, list) else []:
        if isinstance(death, dict) and text(death.get("queue")) == queue.name:
            return death
    return {}


def reason(headers: dict[str, Any], death: dict[str, Any]) -> str:
    """Why the message is a dead letter, in plain sentences.

    Args:
        headers: of the dead letter.
        death: the result of `death_of`.
    """
    if told := text(headers.get(envelope.EXCEPTION_MESSAGE)):
        return told
    match text(death.get("reason")):
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


def attempts(headers: dict[str, Any]) -> tuple[envelope.Attempt, ...]:
    """The failed tries, oldest first."""
    return tuple(
        envelope.Attempt(
            attempt=whole_number(entry.get("attempt")), at=text(entry.get("at")), error=text(entry.get("error"))
        )
        for entry in parsed(text(headers.get(envelope.ATTEMPTS_LOG)) or "[]", list)
        if isinstance(entry, dict)
    )


def parsed(document: str | bytes, kind: type[Any]) -> Any:
    """The JSON document if it is of this type, else an empty one."""
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):  # a stranger may nest brackets ten thousand deep
        return kind()
    return value if isinstance(value, kind) else kind()


def moment(value: Any) -> str | None:
    """The time in ISO 8601, if the value is a time."""
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")


def text(value: Any) -> str:
    """The value as text that can be printed and encoded; empty for None."""
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    # JSON may hold a lone surrogate, which cannot be encoded.
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def whole_number(value: Any) -> int:
    """The value if it is a number above 0, else 0."""
    return value if isinstance(value, int) and value > 0 else 0
