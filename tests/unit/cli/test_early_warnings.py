"""What `submit` says of a document that is read while it waits. The system is a hand-written double of its statuses."""

from __future__ import annotations

from typing import Any

import pytest

from services.cli import early_warnings
from shared.errors import NotFound
from shared.protocol.messages import JobStatus

pytestmark = pytest.mark.anyio


def status(state: str, **fields: Any) -> JobStatus:
    base = {"job_id": "j", "title": "t", "state": state, "submitted_at": 1.0, "updated_at": 1.0}
    return JobStatus.model_validate({**base, **fields}, strict=False)


class Statuses:
    """Each look at a job sees its next status; the last one stays."""

    def __init__(self, **jobs: list[JobStatus | Exception | None]) -> None:
        self.jobs = jobs
        self.looks = 0

    async def look(self, job_id: str) -> JobStatus | None:
        self.looks += 1
        left = self.jobs[job_id]
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found


async def test_warnings_are_said_as_soon_as_the_document_is_read() -> None:
    jobs = Statuses(
        a=[None, status("queued"), status("chunking"), status("synthesizing", warnings=("another voice",))],
        b=[status("completed")],
    )
    found = await early_warnings.of_jobs(jobs, ["a", "b"], seconds=30)
    assert found == {"a": ("another voice",), "b": ()}


async def test_a_document_that_cannot_be_read_is_said_with_its_reason() -> None:
    jobs = Statuses(a=[status("failed", error="The source is empty.")])
    found = await early_warnings.of_jobs(jobs, ["a"], seconds=30)
    assert found == {"a": ("the job has failed: The source is empty.",)}


async def test_one_that_takes_longer_is_not_waited_for_and_keeps_nothing_from_the_others() -> None:
    jobs = Statuses(slow=[status("chunking")], quick=[status("synthesizing", warnings=("small cover",))])
    assert await early_warnings.of_jobs(jobs, ["slow", "quick"], seconds=0.2) == {"quick": ("small cover",)}


async def test_zero_seconds_ask_nothing() -> None:
    jobs = Statuses(a=[status("completed")])
    assert await early_warnings.of_jobs(jobs, ["a"], seconds=0) == {}
    assert jobs.looks == 0


async def test_a_system_that_does_not_answer_is_no_failure_of_the_submission() -> None:
    jobs = Statuses(a=[NotFound("gone")])
    assert await early_warnings.of_jobs(jobs, ["a"], seconds=30) == {}
