"""Reads the spans that services have written to a file (`PODCAST_TRACES_FILE`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ExportedSpan:
    """One span.

    Attributes:
        instance: host and process.
        links: trace id and span id of each.
        start: seconds since the epoch.
        end: seconds since the epoch.
    """

    name: str
    service: str
    instance: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str | None
    status: str
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    start: float
    end: float


def spans_in(path: Path) -> list[ExportedSpan]:
    """All spans in a file, by their beginning; none if there is no file."""
    lines = path.read_text().splitlines() if path.exists() else []
    return sorted((_read(json.loads(line)) for line in lines), key=lambda span: span.start)


def of_trace(spans: list[ExportedSpan], trace_id: str) -> list[ExportedSpan]:
    """The spans of one trace."""
    return [span for span in spans if span.trace_id == trace_id]


def orphans(spans: list[ExportedSpan]) -> list[ExportedSpan]:
    """Spans whose parent is not among them."""
    ids = {span.span_id for span in spans}
    return [span for span in spans if span.parent_id is not None and span.parent_id not in ids]


def _read(line: dict[str, Any]) -> ExportedSpan:
    return ExportedSpan(
        name=line["name"],
        service=line["resource"]["attributes"]["service.name"],
        instance=line["resource"]["attributes"]["service.instance.id"],
        kind=line["kind"].removeprefix("SpanKind.").lower(),
        trace_id=line["context"]["trace_id"].removeprefix("0x"),
        span_id=line["context"]["span_id"].removeprefix("0x"),
        parent_id=line["parent_id"].removeprefix("0x") if line["parent_id"] else None,
        status=line["status"]["status_code"],
        attributes=line["attributes"],
        links=tuple(
            (link["context"]["trace_id"].removeprefix("0x"), link["context"]["span_id"].removeprefix("0x"))
            for link in line["links"]
        ),
        start=datetime.fromisoformat(line["start_time"]).timestamp(),
        end=datetime.fromisoformat(line["end_time"]).timestamp(),
    )
