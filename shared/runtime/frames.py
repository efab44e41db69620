"""Decoding of AMQP frames that a stranger's message cannot break.

The client library decodes a message's properties in the task that reads the connection, and raises there on a
timestamp after the year 9999, on text that is not UTF-8, and on tables nested a few hundred levels deep. RabbitMQ
accepts all of these from publishers. The connection would be lost, the message redelivered, and the connection lost
again, with everything in flight. The consumer's callback also raises on a delivery mode other than 1 or 2 before the
message can be settled. So these decoders are replaced by ones that never raise; what cannot be read is left out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import structlog
from pamqp import base, common, decode

log = structlog.get_logger(__name__)

_DELIVERY_MODES: Final = (1, 2)
_LENGTH_BYTES: Final = 4
_TIMESTAMP_BYTES: Final = 8


@functools.cache
def harden() -> None:
    """Put our decoders into the client library's tables, once per process."""
    decode.METHODS["shortstr"] = _short_string
    decode.METHODS["timestamp"] = decode.TABLE_MAPPING[b"T"] = _timestamp
    decode.METHODS["table"] = _table
    base.BasicProperties.unmarshal = _properties(base.BasicProperties.unmarshal)  # type: ignore[method-assign] # there is no hook


def _short_string(value: bytes) -> tuple[int, str]:
    length = value[0]
    return length + 1, value[1 : length + 1].decode("utf-8", "ignore")  # `replace` could make it too long to send


def _timestamp(value: bytes) -> tuple[int, Any]:
    try:
        return decode.timestamp(value)
    except (ValueError, OverflowError, OSError):
        return _TIMESTAMP_BYTES, None


def _table(value: bytes) -> tuple[int, common.FieldTable]:
    """A message's headers; empty if any of them cannot be read."""
    try:
        return decode.field_table(value)
    except (ValueError, TypeError, ArithmeticError, LookupError, RecursionError) as error:
        log.warning("headers that cannot be read are left out", reason=f"{type(error).__name__}: {error}")
        return _LENGTH_BYTES + int.from_bytes(value[:_LENGTH_BYTES], "big"), {}


def _properties(unmarshal: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(unmarshal)
    def unmarshal_and_check(self: Any, flags: int, data: bytes) -> None:
        unmarshal(self, flags, data)
        if self.delivery_mode not in _DELIVERY_MODES:
            self.delivery_mode = 1
        try:
            float(self.expiration or 0)
        except ValueError:
            self.expiration = None

    return unmarshal_and_check
