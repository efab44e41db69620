"""`jobs/<job_id>/chunk-times.json`: when each chunk of a job was requested and made, for people who look at it.

Written by the coordinator every few seconds and at the job's end. Nothing depends on it: it may be late, and what a
coordinator knew that was killed in between is missing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.protocol.messages import CHUNKS_LIMIT, Frozen, JobId

UNKNOWN = -1.0
"""Stands for a time that is not known."""

_Times = Annotated[tuple[float, ...], Field(max_length=CHUNKS_LIMIT, strict=False)]


class ChunkTimes(Frozen):
    """The times of a job's chunks, each at the chunk's index; in seconds, -1 where it is not known."""

    version: Literal[1] = 1
    job_id: JobId
    began_at: float = Field(
        strict=False, description="seconds since the epoch: the job's beginning, or its last resume"
    )
    requested: _Times = Field(description="when it was last requested, since `began_at`")
    finished: _Times = Field(description="when it was done or had failed, since `began_at`")
    spoken: _Times = Field(description="how long the synthesizer worked on it in the end; before that, it was queued")
    tries: Annotated[tuple[int, ...], Field(max_length=CHUNKS_LIMIT)] = Field(
        description="how often it was tried; 0: not known"
    )
