"""Which bytes a `Range` header asks for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.gateway.byte_ranges import ByteRange, UnsatisfiableRange, asked_for


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 1_000),
        ("bytes=10-19", 10, 20),
        ("bytes=990-2000", 990, 1_000),
        ("bytes=999-", 999, 1_000),
        ("bytes=-1", 999, 1_000),
        ("bytes=-5000", 0, 1_000),
        ("Bytes = 5-9 ", 5, 10),
        ("bytes=0-9223372036854775807", 0, 1_000),
    ],
)
def test_one_range_is_served(header: str, start: int, end: int) -> None:
    assert asked_for(header, 1_000) == ByteRange(start, end)


@pytest.mark.parametrize(
    "header",
    [
        None, "", "bytes", "bytes=", "bytes=-", "bytes=--1", "bytes=9-5", "bytes=a-b", "bytes=1-2-3", "lines=0-5",
        "bytes=+1-2", "bytes=0x1-2", "bytes=1_0-20", "bytes=\u0661-\u0662", "bytes=0-1,5-6",
        "bytes=0-0, 0-0", f"bytes={10**30}-",
    ],
)  # fmt: skip
def test_what_is_no_range_or_several_of_them_means_the_whole_file(header: str | None) -> None:
    assert asked_for(header, 1_000) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=1000-", 1_000), ("bytes=-0", 1_000), ("bytes=0-", 0), ("bytes=-1", 0)]
)
def test_a_range_outside_the_file_is_refused(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRange):
        asked_for(header, size)


@pytest.mark.parametrize(
    "header",
    [
        "bytes=" + "0-," * 20_000,
        "bytes=" + ",".join(f"{index}-{index}" for index in range(12_000)),
        "bytes=" + "1" * 60_000,
        "bytes=" + " " * 60_000 + "0-1",
        "bytes=" + "-" * 60_000,
        " " * 60_000,
    ],
    ids=lambda header: header[:20],
)
def test_a_header_made_to_take_long_takes_no_time(header: str) -> None:
    """CVE-2025-62727: the time to merge ranges grew with the square of the header."""
    began = time.perf_counter()
    for _ in range(100):
        assert asked_for(header, 10**9) is None
    assert time.perf_counter() - began < 0.1


@given(some.text(max_size=70), some.integers(0, 10**12))
def test_whatever_is_asked_for_lies_inside_the_file(header: str, size: int) -> None:
    for value in (header, f"bytes={header}"):
        try:
            found = asked_for(value, size)
        except UnsatisfiableRange:
            continue
        assert found is None or 0 <= found.start < found.end <= size
