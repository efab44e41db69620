"""W3C trace context (https://www.w3.org/TR/trace-context/), and the one that belongs to a job.

A job's trace id is derived from its id, so that every process finds the same one without remembering it: a coordinator
that was restarted, and a service that got a message without a `traceparent`. Whether the job is traced is derived too.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_LENGTH_LIMIT: Final = 256
"""Version 00 has 55 characters; later ones may append something."""
_SAMPLED: Final = 1
_LOW_64_BITS: Final = (1 << 64) - 1


@dataclass(frozen=True)
class TraceContext:
    """A span, as another process knows it.

    Attributes:
        trace_id: of its trace, 128 bits.
        span_id: its own, 64 bits.
        is_sampled: whether it is recorded, and what is below it should be too.
    """

    trace_id: int
    span_id: int
    is_sampled: bool

    @property
    def traceparent(self) -> str:
        """The header's value."""
        return f"00-{self.trace}-{self.span_id:016x}-{int(self.is_sampled):02x}"

    @property
    def trace(self) -> str:
        """The trace id as it is shown."""
        return f"{self.trace_id:032x}"

    @classmethod
    def read(cls, value: object) -> Self | None:
        """The context in a header that anyone may have set; None if it is not one."""
        if isinstance(value, bytes | bytearray):
            value = value.decode("latin-1")
        if not isinstance(value, str) or len(value) > _LENGTH_LIMIT:
            return None
        found = _TRACEPARENT.fullmatch(value.strip())
        if found is None or (value.startswith("00") and found[4]):
            return None
        trace_id, span_id = int(found[1], 16), int(found[2], 16)
        if not trace_id or not span_id:
            return None
        return cls(trace_id, span_id, bool(int(found[3], 16) & _SAMPLED))


def of_job(job_id: str, *, ratio: float, is_forced: bool = False) -> TraceContext:
    """The span that stands for all of a job: the root of its trace, published when the job ends.

    Args:
        job_id: of the job.
        ratio: the share of jobs that is traced.
        is_forced: it is traced in any case.
    """
    digest = hashlib.sha256(f"podcast-engine trace of job {job_id}".encode()).digest()
    trace_id = int.from_bytes(digest[:16]) or 1
    return TraceContext(trace_id, _span_id(digest), is_forced or is_chosen(trace_id, ratio))


def of_resumption(job: TraceContext, resumed_at: float) -> TraceContext:
    """The span that stands for what a job did after it was resumed: a child of the job's."""
    digest = hashlib.sha256(f"podcast-engine resumption {job.traceparent[:52]} {resumed_at!r}".encode()).digest()
    return TraceContext(job.trace_id, _span_id(digest), job.is_sampled)


def is_chosen(trace_id: int, ratio: float) -> bool:
    """Whether a trace belongs to the share that is recorded: as OpenTelemetry's `TraceIdRatioBased` decides."""
    return trace_id & _LOW_64_BITS < round(ratio * (1 << 64))


def _span_id(digest: bytes) -> int:
    return int.from_bytes(digest[16:24]) or 1
