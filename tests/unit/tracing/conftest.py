"""A recorder whose spans stay in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.tracing import spans
from shared.tracing.recorder import Ids, SdkRecorder


@dataclass
class Recorded:
    """What was recorded; the recorder's settings can be changed."""

    recorder: SdkRecorder
    exporter: InMemorySpanExporter

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    @property
    def only(self) -> ReadableSpan:
        (span,) = self.spans
        return span


RecordedAt = Callable[[float], Recorded]


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=Ids(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    found = Recorded(SdkRecorder(provider, ratio=1.0), exporter)
    spans.record_with(found.recorder)
    yield found
    spans.record_with(None)
