"""Logging: one line per event, `key=value`, with the service's name; JSON with `PODCAST_LOG_JSON=true`."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from shared.addresses import scrub
from shared.runtime import unlocked_log
from shared.text import json_escaped, printable
from shared.tracing.spans import Span


def _only_text(_logger: Any, _method: str, line: Any) -> str:
    """Makes a record safe for terminals; all but its first line is indented, so that nothing can forge a record."""
    return printable(str(line), keep_newlines=True).replace("\n", "\n    ")


def _only_json(_logger: Any, _method: str, line: Any) -> str:
    """The same for a record in JSON, which is one line already."""
    return json_escaped(str(line))


class _WithoutPasswords(structlog.stdlib.ProcessorFormatter):
    """Scrubs every line at the end, including tracebacks: libraries quote addresses in their errors verbatim."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


def configure(service: str, *, level: str = "INFO", as_json: bool = False) -> None:
    """Send structlog's and the standard library's records through one formatter to stderr.

    Args:
        service: bound to every line.
        level: the lowest level that is written.
        as_json: one JSON object per line instead of `key=value`.
    """
    shared_processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        *([structlog.stdlib.add_logger_name] if as_json else []),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=False,
            pad_event_to=0,
            pad_level=False,
            # The default prints every local variable: it blocked the event loop for 1.5 s, and reveals secrets.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    formatter = _WithoutPasswords(
        foreign_pre_chain=shared_processors,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
            _only_json if as_json else _only_text,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.root.handlers = [handler]
    logging.captureWarnings(capture=True)
    unlocked_log.configure(service, as_json=as_json)
    logging.root.setLevel(level.upper())
    # Libraries that log every connection and every request; their warnings are still shown.
    logging.getLogger("aio_pika").setLevel(logging.CRITICAL)  # logs every refused connection; we log it once
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    for noisy in ("httpx", "httpcore", "urllib3", "faststream", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.root.level))
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)


def trace_of(span: Span) -> dict[str, str]:
    """What ties log lines to a trace; nothing if the span is not recorded."""
    return {"trace_id": span.trace_id} if span.trace_id else {}
