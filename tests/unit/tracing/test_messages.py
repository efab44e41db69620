"""Contexts in messages: whose they may be, and that copies keep them."""

from __future__ import annotations

from typing import Any

import aio_pika
import pytest

from shared.protocol import envelope
from shared.protocol.messages import ChunkLost, ReconcileRequested
from shared.runtime import message_traces
from shared.tracing import spans
from shared.tracing.context import TraceContext, of_job
from tests.unit.tracing.conftest import Recorded

STRANGER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
JOB = of_job("a-job", ratio=1.0)
LOST = ChunkLost(job_id="a-job", index=3, audio_key=f"audio/{'0' * 64}.flac", reason="gone")


class Delivered:
    """A message as it is delivered (a stand-in for `IncomingMessage`)."""

    def __init__(self, message: aio_pika.Message) -> None:
        self.body, self.headers, self.type = message.body, dict(message.headers), message.type
        self.message_id, self.correlation_id = message.message_id, message.correlation_id
        self.app_id, self.content_type, self.content_encoding = message.app_id, message.content_type, None
        self.timestamp, self.exchange, self.routing_key = None, "podcast", "chunk.lost"
        self.redelivered = False


def published(message: Any = LOST, **headers: str) -> Any:
    made = envelope.outgoing(message, job_id=str(getattr(message, "job_id", "")))
    with message_traces.publishing(made, "podcast", message.ROUTING_KEY):
        pass
    made.headers |= headers
    return Delivered(made)


def test_a_message_carries_the_context_of_its_publishing_and_copies_keep_it(recorded: Recorded) -> None:
    message = published()
    with message_traces.processing(message, "coordinator"):
        pass
    publish, process = recorded.spans
    assert publish.name == "publish podcast:chunk.lost"
    assert publish.parent is not None
    assert publish.parent.span_id == JOB.span_id
    assert process.parent is not None
    assert process.parent.span_id == publish.context.span_id
    assert process.attributes is not None
    assert process.attributes["podcast.job.id"] == "a-job"
    assert process.attributes["podcast.chunk.index"] == 3
    assert process.attributes["messaging.destination.name"] == "podcast:chunk.lost:coordinator"

    copy = envelope.copy(message, headers={envelope.ATTEMPT: 2})
    assert copy.headers["traceparent"] == message.headers["traceparent"]
    crowded = Delivered(aio_pika.Message(b"{}", headers={f"x-{n}": "x" * 900 for n in range(99)}))
    crowded.headers["traceparent"] = STRANGER
    assert envelope.copy(crowded, headers={}).headers["traceparent"] == STRANGER  # type: ignore[arg-type] # a stand-in


@pytest.mark.parametrize("app_id", ["podcast-engine", None, "a-client"])
def test_a_context_of_another_trace_is_a_link(recorded: Recorded, app_id: str | None) -> None:
    message = published(traceparent=STRANGER)
    message.app_id = app_id
    with message_traces.processing(message, "coordinator"):
        pass
    process = recorded.spans[-1]
    assert process.parent is not None
    assert (process.parent.trace_id, process.parent.span_id) == (JOB.trace_id, JOB.span_id)
    assert [f"{link.context.trace_id:032x}" for link in process.links] == [STRANGER.split("-")[1]]


def test_a_stranger_cannot_have_a_job_recorded(recorded: Recorded) -> None:
    recorded.recorder.ratio = 0.0
    message = published(traceparent=TraceContext(JOB.trace_id, 7, is_sampled=True).traceparent)
    message.app_id = None
    with message_traces.processing(message, "coordinator") as span:
        assert not span.is_recorded
    message.app_id = "podcast-engine"
    with message_traces.processing(message, "coordinator") as span:
        assert span.is_recorded


@pytest.mark.parametrize("value", [7, b"\xff", "nonsense", [STRANGER], {"a": STRANGER}, None])
def test_any_header_is_read(recorded: Recorded, value: Any) -> None:
    message = published()
    message.headers["traceparent"] = value
    with message_traces.processing(message, "coordinator"):
        pass
    process = recorded.spans[-1]
    assert process.parent is not None
    assert process.parent.span_id == JOB.span_id


def test_a_message_without_a_job_begins_no_trace(recorded: Recorded) -> None:
    message = published(ReconcileRequested(starting=True))
    assert "traceparent" not in message.headers
    with message_traces.processing(message, "coordinator") as span, spans.span("store read"):
        assert span is spans.NOTHING
    assert not recorded.spans


def test_what_is_not_sampled_says_so(recorded: Recorded) -> None:
    recorded.recorder.ratio = 0.0
    message = published()
    assert message.headers["traceparent"].endswith("-00")
    recorded.recorder.ratio = 1.0  # of another service: the decision that the message carries counts
    with message_traces.processing(message, "coordinator"), spans.span("store read"):
        pass
    assert not recorded.spans
