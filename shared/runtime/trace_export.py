"""Switches traces on, by the standard variables of OpenTelemetry, and sends what is left when the process stops.

Spans are sent by a thread, in batches, from a bounded queue: the event loop never waits for the collector, and when it
does not answer, the oldest spans are dropped. OpenTelemetry is imported only if traces are on.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from shared.errors import Misconfigured
from shared.settings import Settings, load
from shared.tracing import spans

log = structlog.get_logger(__name__)

FLUSH_SECONDS: Final = 2.0
"""For what has not been sent when the process stops; what is left after that is lost."""

_OFF: Final = frozenset({"", "none"})
_SAMPLERS: Final = {"always_on": 1.0, "always_off": 0.0}
_RATIO_SAMPLER: Final = "traceidratio"

_flush: Callable[[], object] | None = None


@dataclass(frozen=True)
class Choice:
    """What the environment says about traces.

    Attributes:
        to_collector: they are sent by OTLP over HTTP.
        file: they are appended to this file; empty: to none.
        ratio: the share of jobs, and of requests, that is traced.
    """

    to_collector: bool
    file: str
    ratio: float

    @property
    def is_on(self) -> bool:
        """Whether anything is recorded at all."""
        return self.to_collector or bool(self.file)


def choice(settings: Settings, environment: Mapping[str, str] = os.environ) -> Choice:
    """Read the standard variables, and our settings.

    Raises:
        Misconfigured: a variable has a value that we do not support.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Choice(to_collector=False, file="", ratio=0.0)
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter not in _OFF | {"otlp"}:
        raise Misconfigured(f"OTEL_TRACES_EXPORTER is {exporter!r}.", hint="Use otlp or none.")
    protocol = (
        environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL") or ""
    )
    if exporter == "otlp" and protocol not in {"", "http/protobuf"}:
        raise Misconfigured(
            f"The protocol {protocol!r} is not supported for traces.",
            hint="Set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf, and the collector's port for HTTP (4318).",
        )
    return Choice(to_collector=exporter == "otlp", file=settings.traces_file, ratio=_ratio(environment))


def _ratio(environment: Mapping[str, str]) -> float:
    sampler = environment.get("OTEL_TRACES_SAMPLER", "").strip().lower().removeprefix("parentbased_") or "always_on"
    if sampler in _SAMPLERS:
        return _SAMPLERS[sampler]
    if sampler != _RATIO_SAMPLER:
        raise Misconfigured(
            f"OTEL_TRACES_SAMPLER is {sampler!r}.",
            hint="Use parentbased_always_on, parentbased_always_off or parentbased_traceidratio.",
        )
    given = environment.get("OTEL_TRACES_SAMPLER_ARG", "").strip() or "1"
    with contextlib.suppress(ValueError):
        ratio = float(given)
        if math.isfinite(ratio) and 0 <= ratio <= 1:
            return ratio
    raise Misconfigured(f"OTEL_TRACES_SAMPLER_ARG is {given!r}.", hint="It is a number from 0 to 1, such as 0.05.")


def start(service: str, settings: Settings) -> None:
    """Record this process's spans if the environment says so; once a process.

    Raises:
        Misconfigured: a variable has a value that we do not support, or the file cannot be opened.
    """
    global _flush
    chosen = choice(settings)
    if not chosen.is_on or spans.recorder() is not None:
        return
    from shared.runtime import trace_provider  # noqa: PLC0415 - imports OpenTelemetry, which takes 70 ms and 14 MB

    recorder, _flush = trace_provider.opened(service, chosen, settings)
    spans.record_with(recorder)
    log.info("traces are on", ratio=chosen.ratio, file=chosen.file or None, collector=chosen.to_collector)


def start_command(name: str) -> None:
    """The same for a command: settings are read only if the environment mentions traces."""
    if os.environ.get("OTEL_TRACES_EXPORTER") or os.environ.get("PODCAST_TRACES_FILE"):
        start(name, load())


async def finish(*, seconds: float = FLUSH_SECONDS) -> None:
    """Send what has not been sent, within the time; the thread that does it is not waited for any longer."""
    flush = _flush
    if flush is None:
        return
    loop, sent = asyncio.get_running_loop(), asyncio.Event()

    def send() -> None:
        flush()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(sent.set)

    threading.Thread(target=send, name="last spans", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            await sent.wait()
    except TimeoutError:
        log.warning("the last spans were not sent in time", seconds=seconds)
