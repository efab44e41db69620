"""Faults in a synthesizer's worker processes: they run there, so they are functions of a module of their own.

In the folder of the failpoints, `synthesizer.worker` has the next worker that works on an answer do what the file says,
`kill` (SIGKILL to itself) or `hang`, once, and `synthesizer.encoder` the next one that encodes;
`synthesizer.encoder-aborts` holds a text whose every sound aborts its encoder's process, as an assertion of LAME would.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from services.synthesizer import chunk_work
from services.synthesizer.chunk_work import Segments
from shared.protocol.messages import AudioFormat, ChunkRequested

WORKER = "worker"
ENCODER = "encoder"
ABORTS = "encoder-aborts"
HANG_SECONDS = 600.0

_of_answer = chunk_work.of_answer
_segments_of = chunk_work.segments_of
"""The originals: the parent replaces them in its own process alone."""


def of_answer(directory: Path, answer: bytes, request: ChunkRequested, sample_rate: int) -> tuple[bytes, float]:
    """`chunk_work.of_answer`, with what is armed."""
    _hit(directory, WORKER)
    return _of_answer(answer, request, sample_rate)


def segments_of(
    directory: Path, data: bytes, request: ChunkRequested, formats: Sequence[AudioFormat], gain_db: float | None
) -> Segments:
    """`chunk_work.segments_of`, with what is armed."""
    with contextlib.suppress(FileNotFoundError):
        if (directory / f"synthesizer.{ABORTS}").read_text() == request.text:
            os.abort()
    _hit(directory, ENCODER)
    return _segments_of(data, request, formats, gain_db)


def _hit(directory: Path, point: str) -> None:
    taken = directory / f"taken-by-{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        (directory / f"synthesizer.{point}").rename(taken)  # only one process succeeds
        if taken.read_text() == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(HANG_SECONDS)
