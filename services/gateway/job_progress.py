"""How far a job is, and how long it will take, as far as its status tells. Pure; docs/http-jobs.md says the same.

`progress` is the share of chunks that are finished, times 0.95; assembling begins at 0.95 and a completed job is at 1.
A job that has failed or was cancelled keeps what it had.

`estimated_seconds_left` is known while chunks are spoken, from the first finished one on: the chunks that are left, at
the pace so far, and then the assembly:

    (total - done) * elapsed / done  +  0.01 * audio_seconds * total / done

`elapsed` is the time from the job's beginning (or from when it was last resumed) to its last news, without the time
that reading and splitting took. Chunks that were there before a job was resumed count as if they had been spoken since,
so the first estimate after that is too low. While a job is assembled, only the second part is left.
"""

from __future__ import annotations

from typing import Final

from shared.protocol.messages import JobStatus

SPEAKING_SHARE: Final = 0.95
ASSEMBLY_SECONDS_PER_AUDIO_SECOND: Final = 0.01
"""docs/benchmarks.md: an episode of one hour takes 26 s, one of five hours 125 s; some more for a busy machine."""


def progress(status: JobStatus) -> float:
    """How much of a job is done, from 0 to 1."""
    match status.state:
        case "completed":
            return 1.0
        case "assembling":
            return SPEAKING_SHARE
        case _:
            return round(SPEAKING_SHARE * _spoken(status), 4)


def estimated_seconds_left(status: JobStatus) -> float | None:
    """How long a job will still take, in seconds: 0 for a completed one; None if that is not known."""
    match status.state:
        case "completed":
            return 0.0
        case "assembling":
            return round(ASSEMBLY_SECONDS_PER_AUDIO_SECOND * status.audio_seconds, 1)
        case "synthesizing" if status.chunks.done:
            reading = status.stages.get("chunking", 0.0) if status.resumed_at is None else 0.0
            elapsed = max(0.0, status.updated_at - (status.resumed_at or status.submitted_at) - reading)
            left = max(0, status.chunks.total - status.chunks.done)
            speaking = left * elapsed / status.chunks.done
            audio_seconds = status.audio_seconds * status.chunks.total / status.chunks.done
            return round(speaking + ASSEMBLY_SECONDS_PER_AUDIO_SECOND * audio_seconds, 1)
    return None


def _spoken(status: JobStatus) -> float:
    return min(1.0, status.chunks.done / status.chunks.total) if status.chunks.total else 0.0
