"""OpenTelemetry's SDK as this project uses it. Imported only where traces are switched on."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.util.re import parse_env_headers

from shared.errors import Misconfigured
from shared.runtime.trace_export import Choice
from shared.settings import Settings
from shared.tracing.recorder import Ids, SdkRecorder


class FileExporter(SpanExporter):
    """Appends spans to a file, one JSON document a line; several processes may share the file.

    Raises:
        Misconfigured: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Misconfigured(
                f"PODCAST_TRACES_FILE names {path}, which cannot be written: {error.strerror}.",
                hint="Correct the path or its permissions.",
            ) from error

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans with one call, which the kernel does not mix with another process's."""
        lines = b"".join(span.to_json(indent=None).encode() + b"\n" for span in spans)
        written = os.write(self._file, lines)
        return SpanExportResult.SUCCESS if written == len(lines) else SpanExportResult.FAILURE


def opened(service: str, choice: Choice, settings: Settings) -> tuple[SdkRecorder, Callable[[], object]]:
    """What records spans, and what sends those that have not been sent.

    Raises:
        Misconfigured: the file cannot be opened, or the collector's address makes no sense.
    """
    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or service,
            "service.namespace": "podcast-engine",
            "service.version": importlib.metadata.version("podcast-engine"),
            "service.instance.id": f"{os.uname().nodename}-{os.getpid()}",
        }
    )
    # Not at exit: that would wait for the collector for half a minute.
    provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, id_generator=Ids(), shutdown_on_exit=False)
    exporters: list[SpanExporter] = []
    if choice.file:
        exporters.append(FileExporter(choice.file))
    if choice.to_collector:
        headers = parse_env_headers(settings.traces_headers, liberal=True) if settings.traces_headers else None
        exporters.append(OTLPSpanExporter(headers=headers))
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    recorder = SdkRecorder(provider, ratio=choice.ratio, trusts_clients=settings.traces_trust_clients)
    return recorder, provider.force_flush
