"""Values of AMQP headers and properties, which anyone may have set: read without raising, and made fit to be sent.

The client library decodes values that it cannot encode (bytes, large decimals and doubles, strings that are too long
for their field); copying a stranger's message must not fail on them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pamqp import encode

KEPT_LIMIT_BYTES: Final = 48_000
"""Headers must fit into one AMQP frame (128 KiB), together with those that a copy adds."""
COUNT_LIMIT: Final = 1_000_000
"""A stranger may write any number into a count; anything larger is treated as this."""

_SHORT_STRING_LIMIT_BYTES: Final = 255
_NESTING_LIMIT: Final = 8
_SINGLE_PRECISION_LIMIT: Final = 3.4e38
"""Floats are sent in single precision; 1e300 does not fit. RabbitMQ closes the connection on an infinite one."""
_INT64: Final = range(-(2**63), 2**63)
_INT32: Final = range(-(2**31), 2**31)
_PLACES: Final = range(256)


def text(value: Any) -> str:
    """The value as text; "" if it is not text or a number."""
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def short(value: Any) -> str:
    """The value as a string that fits into a property or a header's name."""
    data = text(value).encode("utf-8", "replace")
    return data[:_SHORT_STRING_LIMIT_BYTES].decode("utf-8", "ignore")


def number(value: Any) -> float | None:
    """The value if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        found = float(value)
    except (OverflowError, ValueError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> int:
    """The value as an integer from 0 to COUNT_LIMIT; 0 if it is not a number."""
    return int(min(max(number(value) or 0.0, 0.0), COUNT_LIMIT))


def kept(headers: Mapping[str, Any], *, ours: Collection[str]) -> dict[str, Any]:
    """The headers that a copy keeps: our own first, then as many of the strangers' as fit."""
    all_of_them = {short(name): sendable(value) for name, value in headers.items()}
    sizes = {name: len(encode.field_table({name: value})) for name, value in all_of_them.items()}
    left = KEPT_LIMIT_BYTES
    found: dict[str, Any] = {}
    for name in sorted(all_of_them, key=lambda name: (name not in ours, sizes[name])):
        if sizes[name] <= left:
            left -= sizes[name]
            found[name] = all_of_them[name]
    return found


def sendable(value: Any, depth: int = 0) -> Any:  # noqa: C901, PLR0911 - one case and one return for each type of AMQP's
    """The value in a form that the client library can encode."""
    match value:
        case None | bool():
            return value
        case datetime():
            return value if value.timestamp() >= 0 else value.isoformat()  # a time is sent as an unsigned number
        case int():
            return value if value in _INT64 else str(Decimal(value))
        case float():
            return value if abs(value) <= _SINGLE_PRECISION_LIMIT else repr(value)  # false for NaN and infinity too
        case Decimal():
            return value if _fits(value) else str(value)
        case str():
            return value.encode("utf-8", "replace").decode()  # a lone surrogate cannot be encoded
        case bytes() | bytearray():
            return bytearray(value)
        case dict() | list() if depth == _NESTING_LIMIT:
            return "…"
        case dict():
            return {short(name): sendable(inner, depth + 1) for name, inner in value.items()}
        case list():
            return [sendable(inner, depth + 1) for inner in value]
        case _:
            return text(value)


def _fits(value: Decimal) -> bool:
    """Whether AMQP's decimal can hold it: a signed 32-bit number and the position of its decimal point."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and -exponent in _PLACES and int(value.scaleb(-exponent)) in _INT32
