"""One job as the coordinator remembers it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from services.coordinator import clock
from services.coordinator.chunk_times import TimesKept
from services.coordinator.progress import Progress
from shared.protocol.messages import TERMINAL_STATES, JobStatus


@dataclass
class Job:
    """One job in the cache. `progress` is None until it is chunked, and again when it has ended."""

    status: JobStatus
    version: str | None = None
    """Version of the status in the store, as far as this process knows; None: there is none yet."""
    progress: Progress | None = None
    last_news: float = field(default_factory=time.monotonic)
    written_at: float = 0.0
    told_at: float = 0.0
    stale: bool = False
    audio_seconds: float = 0.0
    synthesizing_since: float | None = None
    times: TimesKept | None = None
    """When its chunks were requested and made; None while this process does not know."""
    joined_ahead: int = 0
    """How many of its chunks this process has asked to be joined ahead (`joining_ahead.py`)."""
    progressed_at: float = field(init=False)
    """When it last made progress, in seconds since the epoch; unlike `last_news`, a look at it does not count."""

    def __post_init__(self) -> None:
        self.progressed_at = self.status.updated_at

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.status.job_id

    @property
    def ended(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return self.status.state in TERMINAL_STATES

    @property
    def deadline_from(self) -> float:
        """When its deadline began: at its submission, or when it was last resumed; seconds since the epoch."""
        return self.status.resumed_at or self.status.submitted_at

    def status_now(self, **fields: Any) -> JobStatus:
        """The job's status as of now; `fields` override what is known."""
        if self.progress is not None:
            fields = {
                "chunks": self.progress.counts,
                "failures": self.progress.failures,
                "warnings": self.progress.warnings(),
                "finished": self.progress.checkpoints,
                **fields,
            }
        fields = {"audio_seconds": round(self.audio_seconds, 3), "updated_at": clock.now(), **fields}
        return self.status.model_copy(update=fields)
