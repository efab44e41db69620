"""What conditions in a request's headers mean."""

from __future__ import annotations

import time

import pytest

from services.gateway.preconditions import Validators, range_applies, verdict

AT = 1_700_000_000.5
FILE = Validators("abc", is_strong=True, modified=AT)
YOUNG = Validators("abc", is_strong=False, modified=AT)
SAME, BEFORE, AFTER = (
    "Tue, 14 Nov 2023 22:13:20 GMT",
    "Tue, 14 Nov 2023 22:13:19 GMT",
    "Tue, 14 Nov 2023 22:13:21 GMT",
)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "send"),
        ({"if-none-match": '"abc"'}, "not modified"),
        ({"if-none-match": 'W/"abc"'}, "not modified"),
        ({"if-none-match": '"x", W/"y,z" ,"abc"'}, "not modified"),
        ({"if-none-match": "*"}, "not modified"),
        ({"if-none-match": '"abcd"'}, "send"),
        ({"if-none-match": "abc"}, "send"),
        ({"if-none-match": ""}, "send"),
        ({"if-modified-since": SAME}, "not modified"),
        ({"if-modified-since": AFTER}, "not modified"),
        ({"if-modified-since": BEFORE}, "send"),
        ({"if-modified-since": "yesterday"}, "send"),
        ({"if-modified-since": SAME, "if-none-match": '"other"'}, "send"),
        ({"if-match": '"abc"'}, "send"),
        ({"if-match": "*"}, "send"),
        ({"if-match": 'W/"abc"'}, "failed"),
        ({"if-match": '"other"'}, "failed"),
        ({"if-match": '"other"', "if-unmodified-since": AFTER}, "failed"),
        ({"if-unmodified-since": SAME}, "send"),
        ({"if-unmodified-since": BEFORE}, "failed"),
        ({"if-unmodified-since": "never"}, "send"),
        ({"if-match": '"abc"', "if-none-match": '"abc"'}, "not modified"),
    ],
)
def test_conditions_are_read_in_the_order_of_the_standard(headers: dict[str, str], expected: str) -> None:
    assert verdict(headers, FILE) == expected


@pytest.mark.parametrize(
    ("if_range", "applies"),
    [(None, True), ('"abc"', True), ('W/"abc"', False), ('"abd"', False), ('"abc', False), ("abc", False),
     (SAME, True), (BEFORE, False), (AFTER, False), ("", False)],
)  # fmt: skip
def test_a_download_goes_on_only_with_the_same_content(if_range: str | None, applies: bool) -> None:
    assert range_applies(if_range, FILE) is applies


def test_a_file_that_was_written_a_moment_ago_is_compared_weakly() -> None:
    assert YOUNG.etag == 'W/"abc"'
    assert not range_applies('"abc"', YOUNG)
    assert not range_applies(SAME, YOUNG)
    assert verdict({"if-match": '"abc"'}, YOUNG) == "failed"
    assert verdict({"if-none-match": 'W/"abc"'}, YOUNG) == "not modified"
    assert range_applies(None, YOUNG)


@pytest.mark.parametrize("header", ['"' * 60_001, 'W/"' * 20_000, '"x",' * 15_000, "," * 60_000, "W/" * 30_000])
def test_a_header_made_to_take_long_takes_no_time(header: str) -> None:
    began = time.perf_counter()
    assert verdict({"if-none-match": header}, FILE) == "send"
    range_applies(header, FILE)
    assert time.perf_counter() - began < 0.2
