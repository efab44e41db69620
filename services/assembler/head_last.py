"""Writes an object whose beginning is known last, without holding it all: what follows is uploaded in parts meanwhile.

An object store takes the parts of an object in any order. The first part waits in memory, because it begins with the
head. A part must have 5 MiB; so that much waits, and as much again of the part that comes next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Final, Self

from shared.errors import Conflict, StoreDown
from shared.store.port import LEAST_PART_BYTES, Store, Upload, UploadedPart

_PARTS_OF_A_SIZE: Final = 1_000
_FIRST: Final = 1


def part_bytes(number: int) -> int:
    """How large a part should be at least: later ones are larger, so that 10,000 are enough for 280 GB.

    Args:
        number: of the part, from 1.
    """
    return LEAST_PART_BYTES * (1 + number // _PARTS_OF_A_SIZE)


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
        self._has_gone_on = False
        self._stack = AsyncExitStack()
        self.size_bytes = 0
        """Without the head."""

    def go_on(self, first: bytes, upload: Upload | None, parts: Sequence[UploadedPart]) -> None:
        """Go on after what was written before; call it first.

        Args:
            first: the bytes of the first part, without the head.
            upload: has the other parts; None: there are none.
            parts: the other parts.
        """
        self._first = first
        self._upload = upload
        self._has_gone_on = upload is not None
        self._number = _FIRST + 1 + len(parts)
        self.size_bytes = len(first) + sum(part.size_bytes for part in parts)

    async def write(self, data: bytes) -> None:
        """Write what comes next.

        Raises:
            NotFound: the upload of the other parts is no longer there.
            Conflict: the store cannot go on with it.
        """
        self.size_bytes += len(data)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= part_bytes(self._number):
            part = self._taken()
            if not self._first:
                self._first = part
            else:
                upload = await self._uploading()
                with self._going_on():
                    await upload.add(self._number, part)
                self._number += 1

    async def finish(self, head: bytes) -> int:
        """Write what the object begins with, and let it appear; returns its size in bytes.

        Raises:
            NotFound: the upload of the other parts is no longer there.
            Conflict: one of its parts is gone or was replaced, or the store cannot go on with it.
        """
        last = self._taken()
        if self._upload is None:
            data = b"".join((head, self._first, last))
            await self._store.put(self._key, data, content_type=self._content_type)
            return len(data)
        with self._going_on():
            if last:
                await self._upload.add(self._number, last)
            await self._upload.add(_FIRST, head + self._first)
            return await self._upload.finish()

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """Make a Conflict of a failure of an upload begun earlier: it may be that upload alone which always fails.

        A new upload then shows whether the store is down.
        """
        try:
            yield
        except StoreDown as error:
            if self._has_gone_on:
                raise Conflict(f"The store cannot go on with the upload of {self._key}: {error.message}") from error
            raise

    def _taken(self) -> bytes:
        data = b"".join(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        return data

    async def _uploading(self) -> Upload:
        if self._upload is None:
            upload = self._store.upload(self._key, content_type=self._content_type)
            self._upload = await self._stack.enter_async_context(upload)
        return self._upload

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.__aexit__(*error)  # type: ignore[arg-type]  # as it was given
