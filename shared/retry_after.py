"""The `Retry-After` header of an HTTP answer (RFC 9110, 10.2.3): a number of seconds, or a date."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(header: str | None) -> float | None:
    """Seconds from now that the server asks to wait, as it says; None if it says nothing that can be understood.

    Who waits applies the limit (`retry_after_limit_seconds`). A date that is past and a negative number are 0.
    """
    value = (header or "").strip()
    if not value.isascii():  # a superscript two is a digit to Python, and no number
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
