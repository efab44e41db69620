"""What the synchronous client waits with; `async_io` has the same names for the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

sleep = time.sleep


@contextmanager
def within(seconds: float, what: str) -> Iterator[None]:  # noqa: ARG001 - the signature of the other
    """Nothing can be cancelled here: the time-outs of each read apply, and whoever reads looks at the clock."""
    yield


def write(file: BinaryIO, data: bytes) -> None:
    """Write to a file."""
    file.write(data)
