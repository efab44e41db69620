"""The worker processes in which chunks' audio is worked on, and what a failure there says about the audio.

They are not threads, since these share the interpreter's lock (in one of several threads, a chunk cost up to twice as
much), and since an encoder that aborts ends its process (docs/adr/0036-audio-in-worker-processes.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar, cast

import structlog

from services.synthesizer import chunk_work, processors
from services.synthesizer.audio_validation import longest_seconds
from services.synthesizer.chunk_work import Segments
from shared.errors import BadAudio, Transient
from shared.protocol.messages import CHUNKS_LIMIT, AudioFormat, ChunkRequested
from shared.semaphore import FairSemaphore
from shared.tracing import spans
from shared.workers import failures, pool
from shared.workers.allowances import BASE_CPU_SECONDS, MEGABYTE, Allowance

log = structlog.get_logger(__name__)

_Result = TypeVar("_Result")

START_SECONDS: Final = 30.0
"""Workers start within 1 to 2 s; on a machine that is so busy, the first chunks may as well wait for them."""
_START: Final = Allowance(cpu_seconds=60, memory_bytes=4_000 * MEGABYTE)

_TO_BE_JOINED: Final = CHUNKS_LIMIT
"""Urgency of encoding. That of making audio is the chunk's index, which is smaller, so audio comes first: somebody may
be listening, and a job's first chunks come from the speech server at the same moment. Segments are needed only when the
episode is joined. They do not wait long all the same: when as many chunks wait to be encoded as the service holds spare
messages, no other chunk is spoken."""


class AudioWorkers:
    """The workers of one synthesizer.

    Args:
        slots: chunks that it speaks at a time.
    """

    def __init__(self, slots: int) -> None:
        self.count: Final = min(processors.usable(), slots)
        self._free = FairSemaphore(self.count)

    async def start(self) -> None:
        """Start the workers, so that the first chunks do not wait for them."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await pool.of_loop().fill(self.count, _LOAD, _START)
        except (TimeoutError, failures.WorkerFailure) as error:
            log.warning("workers not started", reason=str(error) or f"It took longer than {START_SECONDS:g} s.")

    async def keep(self) -> None:
        """Replace workers that end. Never returns."""
        await pool.of_loop().keep(self.count, _LOAD, _START)

    async def of_answer(self, answer: bytes, request: ChunkRequested, sample_rate: int) -> tuple[bytes, float]:
        """See `chunk_work.of_answer`; the errors of all three are `_call`'s."""
        return await self._call(
            "process audio", request, chunk_work.of_answer, answer, request, sample_rate, urgency=request.index
        )

    async def segments_of(
        self, data: bytes, request: ChunkRequested, formats: Sequence[AudioFormat], gain_db: float | None
    ) -> Segments:
        """See `chunk_work.segments_of`."""
        return await self._call("encode segments", request, chunk_work.segments_of, data, request, formats, gain_db)

    async def gain_of(self, data: bytes, request: ChunkRequested) -> float | None:
        """See `chunk_work.gain_of`."""
        return await self._call("measure voice", request, chunk_work.gain_of, data, request)

    async def _call(
        self,
        what: str,
        request: ChunkRequested,
        function: Callable[..., _Result],
        *args: Any,
        urgency: int = _TO_BE_JOINED,
    ) -> _Result:
        """Call a function of `chunk_work` when a worker is free. If the message is taken back, the worker is killed.

        Raises:
            BadAudio: it refuses the audio, crashes on it, or uses up its allowance.
            Transient: workers were killed from outside, twice.
        """
        allowed = allowance(request)
        call = pool.packed(partial(function, *args))
        try:
            async with self._free.let_in(urgency):
                with spans.span(what):
                    return cast("_Result", await pool.of_loop().call(call, allowed))
        except failures.Crashed as error:
            raise BadAudio(
                "The encoder crashed on this sound.",
                hint="Listen to what the speech server answers to this text; another voice or server may do better.",
            ) from error
        except failures.CpuTimeUsedUp as error:
            raise BadAudio(
                f"This sound took more than {allowed.cpu_seconds} s of CPU time, far more than speech of this text "
                "needs.",
                hint="Listen to what the speech server answers to this text.",
            ) from error
        except failures.MemoryUsedUp as error:
            raise BadAudio(
                f"This sound needs more than {allowed.memory_bytes / 1e9:.1f} GB of memory.",
                hint="Listen to what the speech server answers to this text.",
            ) from error
        except failures.Killed as error:
            raise Transient(
                f"The process that encodes was killed. {error}", hint="Look whether the machine is short of memory."
            ) from error


def allowance(request: ChunkRequested) -> Allowance:
    """What the work on one chunk may use, by the longest speech that its text may be.

    Measured: 4.7 minutes of speech (4,400 characters) at 48 kHz in stereo, all five formats, take 13 s of CPU time and
    1.1 GB of address space. They may take twelve times as much CPU time.
    """
    seconds = longest_seconds(request.text, speed=request.speed)
    return Allowance(
        cpu_seconds=BASE_CPU_SECONDS + int(seconds / 10),
        memory_bytes=min(1_000 * MEGABYTE + int(2.5 * MEGABYTE * seconds), 4_000 * MEGABYTE),
    )


_LOAD: Final = pool.packed(chunk_work.load)
