"""An object whose head is written last, in parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from services.assembler import head_last
from services.assembler.head_last import HeadLast
from shared.store import upload_parts
from shared.store.port import LAST_PART, Store
from shared.store.upload_parts import checked_number, checked_size

pytestmark = pytest.mark.anyio

LEAST = 4


class Sizes:
    """A test double of a store and its upload: it knows the rules, and keeps sizes alone."""

    def __init__(self) -> None:
        self.sizes_bytes: dict[int, int] = {}

    @asynccontextmanager
    async def upload(self, key: str, *, content_type: str) -> AsyncIterator[Sizes]:  # noqa: ARG002 - as the store has them
        yield self

    async def add(self, number: int, data: bytes) -> None:
        self.sizes_bytes[checked_number(number)] = len(data)

    async def finish(self) -> int:
        return checked_size("key", self.sizes_bytes)


async def test_a_file_of_more_than_ten_thousand_times_the_least_part_has_larger_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """75 hours of WAV in stereo are: S3 numbers parts up to 10,000."""
    for module in (head_last, upload_parts):
        monkeypatch.setattr(module, "LEAST_PART_BYTES", LEAST)
    store, count = Sizes(), 5 * LAST_PART
    async with HeadLast(cast("Store", store), "key", content_type="") as file:
        for _ in range(count):
            await file.write(b"1234")
        assert await file.finish(b"head") == 4 * count + 4
    assert len(store.sizes_bytes) < LAST_PART
