"""The `Retry-After` header of an HTTP answer (RFC 9110, 10.2.3): a number of seconds, or a date."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(header: str | None) -> float | None:
    """How many seconds from now the server asks to wait; None if the header is missing or cannot be parsed.

    The caller applies the limit (`retry_after_limit_seconds`). A past date or a negative number yields 0.
    """
    value = (header or "").strip()
    if not value.isascii():  # Python counts a superscript two as a digit
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
