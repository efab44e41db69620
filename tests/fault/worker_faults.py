"""Faults in a synthesizer's worker processes: they run there, so they are functions of a module of their own.

In the folder of the failpoints, `synthesizer.worker` has the next worker that works on an answer do what the file says,
`kill` (SIGKILL to itself) or `hang`, once; `synthesizer.encoder-aborts` holds a text whose every sound aborts its
process, as an assertion of LAME would.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from services.synthesizer import chunk_work
from services.synthesizer.chunk_work import SegmentsWanted, Work
from shared.protocol.messages import ChunkRequested

WORKER = "worker"
ABORTS = "encoder-aborts"
HANG_SECONDS = 600.0

_of_answer = chunk_work.of_answer
"""The original: the parent replaces it in its own process alone."""


def of_answer(
    directory: Path, answer: bytes, request: ChunkRequested, sample_rate: int, wanted: SegmentsWanted
) -> Work:
    """`chunk_work.of_answer`, with what is armed."""
    with contextlib.suppress(FileNotFoundError):
        if (directory / f"synthesizer.{ABORTS}").read_text() == request.text:
            os.abort()
    taken = directory / f"taken-by-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        (directory / f"synthesizer.{WORKER}").rename(taken)  # only one process succeeds
        if taken.read_text() == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(HANG_SECONDS)
    return _of_answer(answer, request, sample_rate, wanted)
