"""The values that `Retry-After` may have."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retry_after import retry_after


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        (" 5 ", 5.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("3600", 3600.0),
        ("999999", 999_999.0),
        ("-3", 0.0),
        ("1e300", 1e300),
        ("1e999", None),
        ("inf", None),
        ("-Infinity", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("²", None),
        ("5, 6", None),
        ("0x10", None),
        ("Thu, 32 Foo 2026 25:61:61 GMT", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0.0),
        ("Sat, 01 Jan 2000 00:00:00 +9999", None),
    ],
)
def test_numbers_and_dates_are_understood_and_nonsense_says_nothing(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_a_date_is_seconds_from_now(zone: str) -> None:
    header = formatdate(time.time() + 7_200, usegmt=True).replace("GMT", zone)
    assert retry_after(header) == pytest.approx(7_200, abs=2)


@given(st.text())
def test_nothing_that_a_server_sends_raises(header: str) -> None:
    seconds = retry_after(header)
    assert seconds is None or seconds >= 0
