"""Dead letters as JSON lines, without loss: an exported line can be turned back into the same message.

A value that JSON has no type for is an object with one key that begins with `$`: `{"$bytes": base64}`,
`{"$time": ISO 8601}`, `{"$decimal": "1.5"}`, `{"$float": "nan"}`; a table that looks like one of these is wrapped in
`{"$table": {...}}`.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode

from shared.dead_letters.browser import DeadLetters, Verdict
from shared.dead_letters.letter import BROKERS_COUNTERS, DeadLetter
from shared.dead_letters.selection import Selection
from shared.errors import BadInput
from shared.text import json_escaped

_PROPERTIES: Final = (
    "content_type",
    "content_encoding",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "app_id",
)

_TAGS: Final[dict[str, tuple[type | tuple[type, ...], Callable[[Any], str], Callable[[str], Any]]]] = {
    "$float": (float, repr, float),
    "$bytes": (
        (bytes, bytearray),
        lambda value: base64.b64encode(value).decode("ascii"),
        lambda text: bytearray(base64.b64decode(text, validate=True)),  # the client library does not send `bytes`
    ),
    "$time": (datetime, datetime.isoformat, datetime.fromisoformat),
    "$decimal": (Decimal, str, Decimal),
}
"""Tag → its types, how to write them, how to read them."""


async def written(letters: DeadLetters, selection: Selection, write: Callable[[bytes], Awaitable[None]]) -> int:
    """Pass on the line of each selected dead letter, with its line end; they stay where they are.

    Args:
        letters: the queues.
        selection: which.
        write: called with one line after the other.

    Returns:
        How many there were.

    Raises:
        Busy, BrokerDown: as in `DeadLetters.visit`; some may have been written.
    """
    count = 0

    async def put(letter: DeadLetter, message: AbstractIncomingMessage) -> Verdict:
        nonlocal count
        if selection.has(letter):
            await write(json_escaped(line(letter, message)).encode() + b"\n")
            count += 1
        return Verdict.KEEP

    await letters.visit(selection.queues, put, doing="exporting")
    return count


def line(letter: DeadLetter, message: AbstractIncomingMessage) -> str:
    """One line for a dead letter: what `podcast dlq list --json` shows, and the whole message."""
    try:
        body, encoding = message.body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        body, encoding = base64.b64encode(message.body).decode("ascii"), "base64"
    return json.dumps(
        {
            **asdict(letter),
            "exchange": message.exchange,
            "routing_key": message.routing_key,
            "properties": {
                name: _plain(value) for name in _PROPERTIES if (value := getattr(message, name)) is not None
            },
            "headers": {name: _plain(value) for name, value in message.headers.items() if name not in BROKERS_COUNTERS},
            "body_encoding": encoding,
            "body": body,
        },
        ensure_ascii=False,
        allow_nan=False,
    )


def message(exported: str) -> aio_pika.Message:
    """The message that a line was made from.

    Raises:
        BadInput: this is not a line from an export.
    """
    try:
        document = json.loads(exported)
        body = document["body"].encode("utf-8")
        if document["body_encoding"] == "base64":
            body = base64.b64decode(body, validate=True)
        properties = {name: _value(value) for name, value in document["properties"].items() if name in _PROPERTIES}
        properties["delivery_mode"] = DeliveryMode(properties.get("delivery_mode", DeliveryMode.PERSISTENT))
        return aio_pika.Message(
            body, headers={name: _value(value) for name, value in document["headers"].items()}, **properties
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise BadInput(
            f"This is not a line of an export of dead letters: {error}.", hint="`podcast dlq export` writes them."
        ) from error


def _plain(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        table = {str(name): _plain(entry) for name, entry in value.items()}
        return {"$table": table} if _is_tagged(table) else table
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    for tag, (kind, to_plain, _) in _TAGS.items():
        if isinstance(value, kind):
            return {tag: to_plain(value)}
    return {"$unknown": repr(value)}


def _value(plain: Any) -> Any:
    """The inverse of `_plain`."""
    if isinstance(plain, list):
        return [_value(entry) for entry in plain]
    if not isinstance(plain, dict):
        return plain
    if not _is_tagged(plain):
        return {name: _value(entry) for name, entry in plain.items()}
    ((tag, content),) = plain.items()
    if tag == "$table":
        return {name: _value(entry) for name, entry in content.items()}
    return _TAGS[tag][2](content)


def _is_tagged(table: dict[str, Any]) -> bool:
    return len(table) == 1 and next(iter(table)).startswith("$")
