"""Without a setting there are no traces, and they cost nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.errors import Misconfigured
from shared.runtime import trace_export
from shared.settings import Settings
from shared.tracing import spans


@pytest.mark.parametrize(
    ("service", "allowed"),
    [
        ("coordinator", {"opentelemetry", "opentelemetry.semconv"}),  # FastStream looks whether it is there: 0.4 ms
        ("gateway", None),  # FastAPI imports the interfaces
    ],
)
def test_the_sdk_is_not_imported_when_traces_are_off(service: str, allowed: set[str] | None) -> None:
    script = (
        "import sys\n"
        f"import services.{service}.app\n"
        "from shared.runtime import trace_export\n"
        "from shared.settings import load\n"
        "trace_export.start('a service', load())\n"
        "print(*[name for name in sys.modules if name.split('.')[0] == 'opentelemetry'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    imported = set(done.stdout.split())
    assert not [name for name in imported if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))]
    assert allowed is None or imported <= allowed


def test_a_span_is_nothing_when_traces_are_off() -> None:
    with spans.span("anything") as span:
        assert span is spans.NOTHING
        assert spans.current() is spans.NOTHING
    assert spans.job_context("a-job") is None


def test_they_are_off_by_default() -> None:
    assert not trace_export.choice(Settings(), {}).is_on
    assert not trace_export.choice(Settings(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}).is_on
    assert not trace_export.choice(Settings(traces_file="spans"), {"OTEL_SDK_DISABLED": "true"}).is_on


@pytest.mark.parametrize(
    ("environment", "ratio"),
    [
        ({}, 1.0),
        ({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.05"}, 0.05),
        ({"OTEL_TRACES_SAMPLER": "traceidratio"}, 1.0),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, 0.0),
    ],
)
def test_the_standard_variables_say_how_many_are_traced(environment: dict[str, str], ratio: float) -> None:
    chosen = trace_export.choice(Settings(), {"OTEL_TRACES_EXPORTER": "otlp", **environment})
    assert chosen.to_collector
    assert chosen.ratio == ratio


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_TRACES_SAMPLER": "jaeger_remote"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "5 %"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.5"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_is_not_supported_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match=r"OTEL_|protocol"):
        trace_export.choice(Settings(), {"OTEL_TRACES_EXPORTER": "otlp", **environment})
