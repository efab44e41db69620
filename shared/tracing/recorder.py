"""Makes spans with OpenTelemetry's SDK. Imported only where traces are switched on."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from shared.addresses import scrub
from shared.tracing.context import TraceContext
from shared.tracing.spans import Attributes, Kind, Span, Value

_KINDS: Final[dict[Kind, SpanKind]] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}
_NS: Final = 1_000_000_000
_REASON_LIMIT_CHARACTERS: Final = 500
_OWN_IDS: ContextVar[TraceContext | None] = ContextVar("own_ids", default=None)


class Ids(IdGenerator):
    """Random ids, except for spans whose ids are derived."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_trace_id(self) -> int:
        """The id of a new trace."""
        own = _OWN_IDS.get()
        return self._random.generate_trace_id() if own is None else own.trace_id

    def generate_span_id(self) -> int:
        """The id of a new span."""
        own = _OWN_IDS.get()
        return self._random.generate_span_id() if own is None else own.span_id


class RecordedSpan(Span):
    """A span of the SDK."""

    def __init__(self, span: trace.Span) -> None:
        ids = span.get_span_context()
        super().__init__(TraceContext(ids.trace_id, ids.span_id, is_sampled=True))
        self._span = span

    @property
    def is_recorded(self) -> bool:
        """Always."""
        return True

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""
        self._span.set_attributes(_given(attributes))

    def event(self, name: str, attributes: Attributes) -> None:
        """Note that something happened now."""
        self._span.add_event(name, _given(attributes))

    def link(self, context: TraceContext) -> None:
        """It has to do with another span, of another trace."""
        self._span.add_link(_remote(context))

    def rename(self, name: str) -> None:
        """Give it the name that was not known when it began."""
        self._span.update_name(name)

    def failed(self, error: BaseException | str, *, reason: str | None = None) -> None:
        """The operation has failed. No stack trace is recorded: the log and the dead letter have it."""
        self._span.set_attribute("error.type", error if isinstance(error, str) else type(error).__name__)
        words = str(error) if reason is None else reason
        self._span.set_status(Status(StatusCode.ERROR, scrub(words)[:_REASON_LIMIT_CHARACTERS]))

    def end(self, at: float | None = None) -> None:
        """The operation is over."""
        self._span.end(None if at is None else round(at * _NS))


class SdkRecorder:
    """Records with a tracer provider.

    Args:
        provider: with `Ids`, and a sampler that takes everything: what is not sampled is not started.
        ratio: the share of jobs, and of requests, that is traced.
        trusts_clients: whether a client's context may say that a request is traced.
    """

    def __init__(self, provider: TracerProvider, *, ratio: float, trusts_clients: bool = False) -> None:
        self._tracer = provider.get_tracer("podcast-engine")
        self.ratio = ratio
        self.trusts_clients = trusts_clients

    def start(
        self,
        name: str,
        *,
        kind: Kind,
        parent: TraceContext | None,
        links: Sequence[TraceContext],
        attributes: Attributes,
        began_at: float | None = None,
        own: TraceContext | None = None,
    ) -> RecordedSpan:
        """A span that is recorded."""
        above = trace.INVALID_SPAN if parent is None else NonRecordingSpan(_remote(parent))
        token = _OWN_IDS.set(own)
        try:
            return RecordedSpan(
                self._tracer.start_span(
                    name,
                    context=trace.set_span_in_context(above),
                    kind=_KINDS[kind],
                    attributes=_given(attributes),
                    links=[Link(_remote(link)) for link in links],
                    start_time=None if began_at is None else round(began_at * _NS),
                )
            )
        finally:
            _OWN_IDS.reset(token)


def _remote(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(context.trace_id, context.span_id, is_remote=True, trace_flags=flags)


def _given(attributes: Attributes) -> dict[str, Value]:
    return {name: value for name, value in attributes.items() if value is not None}
