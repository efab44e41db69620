"""Reading a stranger's `traceparent`, and the context that belongs to a job."""

from __future__ import annotations

import pytest

from shared.protocol.messages import new_job_id
from shared.tracing.context import TraceContext, is_chosen, of_job, of_resumption

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_context_is_read_and_written() -> None:
    context = TraceContext.read(GIVEN)
    assert context is not None
    assert context.is_sampled
    assert context.traceparent == GIVEN
    assert TraceContext.read(GIVEN.encode()) == context


def test_a_later_version_may_have_more() -> None:
    assert TraceContext.read(GIVEN.replace("00-", "cc-", 1) + "-more") == TraceContext.read(GIVEN)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        GIVEN.upper(),
        GIVEN + "-more",
        GIVEN + "0",
        "ff" + GIVEN[2:],
        "cc" + GIVEN[2:] + "-" + "x" * 300,
        "\u0660\u0660" + GIVEN[2:],
        b"\xff\xfe",
    ],
)
def test_anything_else_is_no_context(value: object) -> None:
    assert TraceContext.read(value) is None


def test_a_job_has_the_same_context_everywhere_and_another_after_it_was_resumed() -> None:
    job_id = new_job_id()
    context = of_job(job_id, ratio=1.0)
    assert of_job(job_id, ratio=1.0) == context
    resumed = of_resumption(context, 1_700_000_000.25)
    assert resumed.trace_id == context.trace_id
    assert len({context.span_id, resumed.span_id, of_resumption(context, 1_700_000_000.5).span_id}) == 3
    assert of_resumption(of_job(job_id, ratio=0.0), 1_700_000_000.25).span_id == resumed.span_id


def test_a_share_of_jobs_is_traced() -> None:
    traced = sum(of_job(f"job-{number}", ratio=0.25).is_sampled for number in range(4_000))
    assert 850 < traced < 1_150
    assert not of_job("job-1", ratio=0.0).is_sampled
    assert of_job("job-1", ratio=0.0, is_forced=True).is_sampled
    assert is_chosen(2**128 - 1, 1.0)
