"""Logging: one line an event, `key=value`, the service's name in front; JSON with `PODCAST_LOG_JSON=true`."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from shared.addresses import scrub
from shared.text import json_escaped, printable


def _only_text(_logger: Any, _method: str, line: Any) -> str:
    """Nothing in a record commands the terminal, and what follows its first line is indented: none forges a record."""
    return printable(str(line), keep_newlines=True).replace("\n", "\n    ")


def _only_json(_logger: Any, _method: str, line: Any) -> str:
    """The same for a record in JSON, which is one line already."""
    return json_escaped(str(line))


class _WithoutPasswords(structlog.stdlib.ProcessorFormatter):
    """The last step of every line, tracebacks too: libraries quote addresses in their errors as they were given."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


def configure(service: str, *, level: str = "INFO", as_json: bool = False) -> None:
    """Send structlog's and the standard library's records through one formatter to stderr.

    Args:
        service: bound to every line.
        level: the lowest level that is written.
        as_json: one JSON object a line instead of `key=value`.
    """
    shared_processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
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
            # The default draws every local variable: it took a second and a half of the event loop, and shows secrets.
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
    logging.root.setLevel(level.upper())
    # Libraries that tell of every connection and every request; their warnings still come through.
    logging.getLogger("aio_pika").setLevel(logging.CRITICAL)  # tells of every refused connection; we say it once
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    for noisy in ("httpx", "httpcore", "urllib3", "faststream", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.root.level))
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(service=service)
