"""Writes an object whose beginning is known last, without holding it: what follows goes up in parts meanwhile.

An object store takes the parts of an object in any order. The first part waits here, for it begins with the head; each
must have 5 MiB, so that is how much waits; and as much again of the part that comes next.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Final, NamedTuple, Self

import structlog

from shared.errors import Conflict, StoreDown
from shared.store.port import LEAST_PART_BYTES, Store, Upload

log = structlog.get_logger(__name__)

COPIES_AT_A_TIME: Final = 2
_PARTS_OF_A_SIZE: Final = 1_000
_FIRST: Final = 1


def part_bytes(number: int) -> int:
    """How large a part should be at least: later ones are larger, so that 10,000 are enough for 280 GB.

    Args:
        number: of the part, from 1.
    """
    return LEAST_PART_BYTES * (1 + number // _PARTS_OF_A_SIZE)


class CopiedPart(NamedTuple):
    """An object with bytes of the file.

    Attributes:
        key: of the object.
        size_bytes: of it; at least `LEAST_PART_BYTES`.
    """

    key: str
    size_bytes: int


class HeadLast:
    """An object that is being written; it appears when it is finished, or never. Use it as a context.

    Args:
        store: where it will be.
        key: its key.
        content_type: of it.
    """

    def __init__(self, store: Store, key: str, *, content_type: str) -> None:
        self._store = store
        self._key = key
        self._content_type = content_type
        self._first = b""
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._number = _FIRST + 1  # of the next part
        self._upload: Upload | None = None
        self._copies: list[asyncio.Task[None]] = []
        self._turns = asyncio.Semaphore(COPIES_AT_A_TIME)
        self._stack = AsyncExitStack()
        self.size_bytes = 0
        """Without the head."""

    async def append(self, part: CopiedPart) -> None:
        """An object whose bytes come next, before anything else is written; the store copies it in the background.

        The first one is read, since the head comes before it.

        Raises:
            NotFound: it is gone. If it is not the first, `finish` raises this.
            Conflict: it has another size. The same.
        """
        self.size_bytes += part.size_bytes
        if not self._first:
            self._first = await self._whole(part)
            return
        upload = await self._uploading()
        self._copies.append(asyncio.create_task(self._copy(upload, self._number, part)))
        self._number += 1

    async def write(self, data: bytes) -> None:
        """What comes next."""
        self.size_bytes += len(data)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= part_bytes(self._number):
            part = self._taken()
            if not self._first:
                self._first = part
            else:
                await (await self._uploading()).add(self._number, part)
                self._number += 1

    async def finish(self, head: bytes) -> int:
        """Write what the object begins with, and let it appear; returns its size in bytes.

        Raises:
            NotFound: a copied part is gone.
            Conflict: a part has another size.
        """
        last = self._taken()
        await asyncio.gather(*self._copies)
        if self._upload is None:
            data = b"".join((head, self._first, last))
            await self._store.put(self._key, data, content_type=self._content_type)
            return len(data)
        if last:
            await self._upload.add(self._number, last)
        await self._upload.add(_FIRST, head + self._first)
        return await self._upload.finish()

    def _taken(self) -> bytes:
        data = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        return data

    async def _uploading(self) -> Upload:
        if self._upload is None:
            upload = self._store.upload(self._key, content_type=self._content_type)
            self._upload = await self._stack.enter_async_context(upload)
        return self._upload

    async def _copy(self, upload: Upload, number: int, part: CopiedPart) -> None:
        async with self._turns:
            try:
                await upload.copy(number, part.key, size_bytes=part.size_bytes)
            except StoreDown as error:  # not every server can copy parts; one that is down does not read either
                log.info("part not copied but read", key=part.key, reason=str(error))
                await upload.add(number, await self._whole(part))

    async def _whole(self, part: CopiedPart) -> bytes:
        data = await self._store.get(part.key)
        if len(data) != part.size_bytes:
            raise Conflict(f"{part.key} has {len(data)} bytes and not {part.size_bytes}.")
        return data

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        for copy in self._copies:
            copy.cancel()
        await asyncio.gather(*self._copies, return_exceptions=True)
        await self._stack.__aexit__(*error)  # type: ignore[arg-type]  # as it was given
