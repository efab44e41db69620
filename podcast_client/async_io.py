"""What the asynchronous client waits with; `sync_io` has the same names for the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import anyio
import anyio.to_thread

from podcast_client.errors import TooSlow

sleep = anyio.sleep


@contextmanager
def within(seconds: float, what: str) -> Iterator[None]:
    """Cancel what is inside after this time.

    Raises:
        TooSlow: the time is over.
    """
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        raise TooSlow(f"{what} took longer than {seconds:g} s.") from error


async def write(file: BinaryIO, data: bytes) -> None:
    """Write to a file without blocking the event loop."""
    await anyio.to_thread.run_sync(file.write, data)
