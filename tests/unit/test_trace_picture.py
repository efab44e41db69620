"""The picture of a trace in the docs, and those that people draw of their own jobs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lxml import etree

from docs.trace_picture import rows, svg
from docs.trace_spans import ExportedSpan

PICTURE = Path(__file__).parents[2] / "docs" / "tracing.svg"


def span(name: str, number: int, parent: int | None, *, kind: str = "internal", **attributes: Any) -> ExportedSpan:
    return ExportedSpan(
        name=name,
        service="coordinator",
        instance="host-1",
        kind=kind,
        trace_id="1",
        span_id=str(number),
        parent_id=None if parent is None else str(parent),
        status="ERROR" if number == 4 else "UNSET",
        attributes=attributes,
        links=(),
        start=100 + number / 10,
        end=100.05 + number / 10,
    )


SPANS = [
    span("job", 0, None),
    span("publish podcast:chunk.requested", 1, 0, kind="producer"),
    span("process podcast:chunk.requested:synthesizer", 2, 1, kind="consumer", **{"podcast.chunk.index": 7}),
    span("store read", 3, 2, kind="client"),
    span("process podcast:chunk.requested:synthesizer", 4, 1, kind="consumer", **{"podcast.chunk.index": 7}),
    span("publish podcast:job.completed", 5, 0, kind="producer"),
    span("<script>alert(1)</script>", 6, 0),
]


def test_a_message_is_one_row_with_its_publishing_its_wait_and_its_tries() -> None:
    found = rows(SPANS)
    assert [(row.label, row.depth) for row in found] == [
        ("job", 0),
        ("chunk.requested 7", 1),
        ("chunk.requested 7", 1),
        ("job.completed", 1),
        ("<script>alert(1)</script>", 1),
    ]
    first, again = found[1:3]
    assert first.before is SPANS[1]
    assert again.before is None
    assert first.marks == [SPANS[3]]


def test_the_picture_is_xml_whatever_the_spans_are_called() -> None:
    picture = etree.fromstring(svg(SPANS).encode())
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "<script>alert(1)</script>" in texts
    assert "#dc2626" in svg(SPANS)
    assert svg(SPANS[:1])


def test_the_picture_of_the_docs_shows_all_services() -> None:
    picture = etree.fromstring(PICTURE.read_bytes())
    texts = {element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")}
    services = {"gateway", "chunker", "coordinator", "synthesizer", "speech", "assembler", "webhooks"}
    assert services | {"job", "submit", "POST /v1/audio/speech"} <= texts
    assert not re.search(r"/(tmp|home|root|work)/", PICTURE.read_text())
