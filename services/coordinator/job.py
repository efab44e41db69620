"""One job as the coordinator remembers it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from services.coordinator.progress import Progress
from shared.protocol.messages import TERMINAL_STATES, JobStatus


@dataclass
class Job:
    """One job in the cache. `progress` is None until it is chunked, and again when it has ended."""

    status: JobStatus
    progress: Progress | None = None
    last_news: float = field(default_factory=time.monotonic)
    written_at: float = 0.0
    told_at: float = 0.0
    stale: bool = False
    audio_seconds: float = 0.0
    synthesizing_since: float | None = None
    stored_at: float | None = None
    """`updated_at` of the status in the store as this process knows it; another one there is another coordinator's."""

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.status.job_id

    @property
    def ended(self) -> bool:
        """Whether it is completed, failed or cancelled."""
        return self.status.state in TERMINAL_STATES
