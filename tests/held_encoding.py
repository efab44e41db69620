"""An encoder that waits until a test lets it go on. It runs in a worker process, so a file tells it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from services.synthesizer.chunk_work import Segments, segments_of

LIMIT_SECONDS: Final = 60.0
"""A test that fails before it makes the mark must not leave a worker that waits for it."""
_LOOK_SECONDS: Final = 0.01


def encoded_when_told(mark: Path, *arguments: Any) -> Segments:
    """`chunk_work.segments_of`, as soon as there is the mark.

    Raises:
        TimeoutError: there is none within `LIMIT_SECONDS`.
    """
    end = time.monotonic() + LIMIT_SECONDS
    while not mark.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"There is no {mark}.")
        time.sleep(_LOOK_SECONDS)
    return segments_of(*arguments)
