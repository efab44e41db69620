"""The gauges and counters about jobs, from the coordinator's memory."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.coordinator import clock, metrics
from services.coordinator.job import Job
from services.coordinator.pieces import Kind, Phase
from services.coordinator.tally import Tally
from shared.protocol import topology
from shared.protocol.messages import JobState, JobStatus, StateChange


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def job(state: JobState, *, progressed: float = 0.0, **fields: Any) -> Job:
    """A job in a state, without progress for so many seconds."""
    now = clock.now()
    moments = {"submitted_at": now - 100, "updated_at": now - progressed}
    return Job(JobStatus.model_validate({"job_id": f"job-{state}", "state": state, **moments, **fields}))


def test_jobs_are_counted_by_state_and_the_one_that_stands_still_longest_is_seen() -> None:
    gauges = metrics.JobGauges()
    gauges.show([job("synthesizing", progressed=5), job("synthesizing", progressed=700), job("assembling")])
    assert value("podcast_jobs_active", state="synthesizing") == 2
    assert value("podcast_jobs_active", state="chunking") == 0
    assert value("podcast_jobs_longest_still_seconds", state="synthesizing") == pytest.approx(700, abs=30)
    gauges.show([])
    assert value("podcast_jobs_active", state="synthesizing") == 0
    assert value("podcast_jobs_longest_still_seconds", state="synthesizing") == 0


def test_pieces_are_counted_by_status_and_equal_ones_once() -> None:
    keys = [f"audio/{number}.flac" for number in range(6)] + ["audio/0.flac"]
    kind = Kind("chunk", topology.SYNTHESIZER, Phase.BEFORE_THE_EPISODE, keys, lambda _: None, 3, lambda _: 1.0)  # type: ignore[arg-type, return-value] # nothing is requested
    tally = Tally(kind)
    tally.take()
    tally.finish(keys[0])
    tally.fail(keys[1], "no")
    assert tally.counts == {"unrequested": 3, "requested": 1, "finished": 1, "failed": 1}
    assert sum(tally.counts.values()) == len(set(keys))


def test_a_stage_takes_from_one_state_to_the_next_and_an_end_is_counted_once() -> None:
    began = StateChange(number=1, state="synthesizing", at=1_000.0)
    before = job("synthesizing", history=(began,)).status
    stages, ends = (
        value("podcast_job_stage_seconds_sum", state="synthesizing"),
        value("podcast_jobs_ended_total", state="failed"),
    )
    metrics.changed(before, before)  # progress, but no other state
    after = before.model_copy(update={"state": "failed", "updated_at": 1_042.0, "submitted_at": 992.0})
    metrics.changed(before, after)
    assert value("podcast_job_stage_seconds_sum", state="synthesizing") == stages + 42
    assert value("podcast_jobs_ended_total", state="failed") == ends + 1
    assert value("podcast_job_seconds_sum", state="failed") >= 50
