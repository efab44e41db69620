"""What uploads to a folder and to S3 have in common: which parts make an object, and that none is left behind."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import anyio
import structlog

from shared.errors import NotFound
from shared.store.port import LAST_PART, LEAST_PART_BYTES, Upload

log = structlog.get_logger(__name__)


class Discardable(Upload, Protocol):
    """An upload that can be ended."""

    async def discard(self) -> None:
        """End the upload: remove what was written and is not part of a finished object."""


@asynccontextmanager
async def removed_unless_finished(upload: Discardable, key: str) -> AsyncIterator[Upload]:
    """The context of an upload. Whatever ends it, also a cancellation, what was not finished is removed."""
    try:
        yield upload
    finally:
        with anyio.CancelScope(shield=True):
            try:
                await upload.discard()
            except Exception as error:  # noqa: BLE001 - it must not hide why the upload was left
                log.warning("parts of an upload are left", key=key, reason=str(error))


def checked_number(number: int) -> int:
    """The number, if a part can have it.

    Raises:
        ValueError: it cannot.
    """
    if not 1 <= number <= LAST_PART:
        raise ValueError(f"a part has a number from 1 to {LAST_PART:,}, not {number}")
    return number


def checked_size(key: str, sizes_bytes: Mapping[int, int]) -> int:
    """The size of an object that is made of these parts, in bytes. A folder could take parts of any size, S3 does not.

    Args:
        key: of the object.
        sizes_bytes: number of a part → its size.

    Raises:
        ValueError: there is no part, or one that is not the last is too small.
    """
    if not sizes_bytes:
        raise ValueError(f"the upload of {key} has no part")
    *others, _ = sorted(sizes_bytes)
    for number in others:
        if sizes_bytes[number] < LEAST_PART_BYTES:
            raise ValueError(
                f"part {number} of {key} has {sizes_bytes[number]:,} bytes: "
                f"every part but the last has at least {LEAST_PART_BYTES:,}"
            )
    return sum(sizes_bytes.values())


def checked_id(key: str, upload_id: str, given: re.Pattern[str]) -> str:
    """The id of an upload that is taken up, if the store can have given it.

    Args:
        key: of the object.
        upload_id: as it was found. Servers read others as something else: MinIO, one with a line break as none.
        given: what the store's ids are like.

    Raises:
        NotFound: no upload has it.
    """
    if not given.fullmatch(upload_id):
        raise gone(key)
    return upload_id


def gone(key: str) -> NotFound:
    """The error of a call for an upload that was taken up, if there is none."""
    return NotFound(f"The upload of {key} is no longer there.")


def over(key: str) -> ValueError:
    """The error of a call for an upload whose context was left."""
    return ValueError(f"the upload of {key} is over")
