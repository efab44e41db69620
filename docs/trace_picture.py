"""Draws a job's trace as an SVG, from the file that services have written (`PODCAST_TRACES_FILE`).

    python -m docs.trace_picture SPANS.jsonl [TRACE_ID] > picture.svg

One row an operation: its publishing (outlined), its time in the queue (dotted), and its handling (filled), with the
calls of the store as marks below. Colours are services.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

from docs.trace_spans import ExportedSpan, of_trace, spans_in

_COLOURS: Final = {
    "podcast": "#6b7280",
    "gateway": "#0f766e",
    "chunker": "#b45309",
    "coordinator": "#1d4ed8",
    "synthesizer": "#15803d",
    "speech": "#7c3aed",
    "assembler": "#be123c",
    "webhooks": "#0e7490",
    "feeds": "#a16207",
}
_OTHER: Final = "#4b5563"
_ROW: Final = 22
_BAR: Final = 12
_LABELS: Final = 330
_WIDTH: Final = 1_240
_TOP: Final = 58
_RIGHT: Final = 70
_TICKS: Final = 8
_LEAST: Final = 1.5
"""Pixels: what is shorter is still seen."""
_STEPS: Final = (1, 2, 2.5, 5, 10)


@dataclass
class Row:
    """A line of the picture.

    Attributes:
        label: what it shows.
        depth: below how many others.
        handled: the span that does the work; filled.
        before: the span that published or called it; outlined.
        marks: calls of the store.
    """

    label: str
    depth: int
    handled: ExportedSpan
    before: ExportedSpan | None = None
    marks: list[ExportedSpan] = field(default_factory=list)


def rows(spans: list[ExportedSpan]) -> list[Row]:
    """The lines of the picture, in the order of a tree."""
    below: dict[str | None, list[ExportedSpan]] = defaultdict(list)
    for span in spans:
        below[span.parent_id].append(span)
    found: list[Row] = []

    def add(span: ExportedSpan, depth: int, before: ExportedSpan | None = None) -> None:
        children = below[span.span_id]
        row = Row(_label(span), depth, span, before, [one for one in children if one.name.startswith("store ")])
        handling = [one for one in children if _continues(span, one)]
        if handling:
            for first, one in enumerate(handling):
                add(one, depth, None if first else span)
            return
        found.append(row)
        for one in children:
            if one not in row.marks:
                add(one, depth + 1)

    for root in below[None]:
        add(root, 0)
    return found


def _continues(span: ExportedSpan, child: ExportedSpan) -> bool:
    """Whether the child is the other end of the same message or call."""
    return (span.kind, child.kind) in {("producer", "consumer"), ("client", "server")}


def _label(span: ExportedSpan) -> str:
    if span.kind not in {"producer", "consumer"}:
        return span.name
    chunk = span.attributes.get("podcast.chunk.index")
    words = span.name.partition(" ")[2].removeprefix("podcast:").partition(":")[0]
    return words if chunk is None else f"{words} {chunk}"


def svg(spans: list[ExportedSpan]) -> str:
    """The picture of one trace."""
    lines = rows(spans)
    begin, end = min(span.start for span in spans), max(span.end for span in spans)
    scale = (_WIDTH - _LABELS - _RIGHT) / ((end - begin) or 1)
    height = _TOP + _ROW * len(lines) + 16

    def at(moment: float) -> float:
        return _LABELS + (moment - begin) * scale

    def bar(span: ExportedSpan, y: float, *, filled: bool) -> str:
        width = max(_LEAST, (span.end - span.start) * scale)
        colour = _COLOURS.get(span.service, _OTHER)
        edge = "#dc2626" if span.status == "ERROR" else colour
        place = f'x="{at(span.start):.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BAR}" rx="2"'
        fill = colour if filled else "#ffffff"
        return f'<rect {place} fill="{fill}" stroke="{edge}"><title>{_hint(span)}</title></rect>'

    parts = [_head(height), *_legend({span.service for span in spans})]
    parts += _axis(end - begin, at, begin, height)
    for number, row in enumerate(lines):
        top = _TOP + number * _ROW
        parts.append(f'<text x="{8 + 13 * row.depth}" y="{top + 10}">{escape(row.label)}</text>')
        if row.before is not None:
            y = top + _BAR / 2
            colour = _COLOURS.get(row.handled.service, _OTHER)
            ends = f'x1="{at(row.before.start):.1f}" y1="{y}" x2="{at(row.handled.start):.1f}" y2="{y}"'
            parts.append(f'<line {ends} stroke="{colour}" stroke-dasharray="2 2"/>')
            parts.append(bar(row.before, top, filled=False))
        parts.append(bar(row.handled, top, filled=True))
        parts += [_mark(mark, at(mark.start), (mark.end - mark.start) * scale, top + _BAR + 1) for mark in row.marks]
        parts.append(
            f'<text x="{at(max(one.end for one in (row.handled, row.before or row.handled))) + 5:.1f}" y="{top + 10}"'
            f' class="s">'
            f"{_time(row.handled.end - row.handled.start)}</text>"
        )
    return "\n".join([*parts, "</svg>", ""])


def _head(height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
        ' font-family="system-ui, sans-serif" font-size="12" fill="#111827">\n'
        "<style>.s { font-size: 10px; fill: #6b7280; }</style>\n"
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
    )


def _legend(services: set[str]) -> list[str]:
    parts, x = [], 8
    for name in sorted(services, key=lambda name: list(_COLOURS).index(name) if name in _COLOURS else len(_COLOURS)):
        parts.append(f'<rect x="{x}" y="10" width="12" height="12" rx="2" fill="{_COLOURS.get(name, _OTHER)}"/>')
        parts.append(f'<text x="{x + 17}" y="20">{escape(name)}</text>')
        x += 34 + 7 * len(name)
    parts.append(f'<text x="{x + 8}" y="20" class="s">outlined: publishing or calling · dotted: in the queue · ')
    parts.append("filled: handling · marks below: the object store</text>")
    return parts


def _axis(seconds: float, at: Callable[[float], float], begin: float, height: int) -> list[str]:
    parts = []
    step = _step(seconds)
    for number in range(int(seconds / step) + 1):
        x = at(begin + number * step)
        parts.append(f'<line x1="{x:.1f}" y1="44" x2="{x:.1f}" y2="{height - 8}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x + 3:.1f}" y="46" class="s">{_time(number * step)}</text>')
    return parts


def _step(seconds: float) -> float:
    unit = 10.0 ** (len(str(int(seconds / _TICKS * 1_000))) - 4)
    return next((unit * step for step in _STEPS if unit * step * _TICKS >= seconds), seconds or 1)


def _mark(span: ExportedSpan, x: float, width: float, y: float) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(_LEAST, width):.1f}" height="3"'
    return f'<rect {place} fill="#111827"><title>{_hint(span)}</title></rect>'


def _hint(span: ExportedSpan) -> str:
    return escape(f"{span.service}: {span.name} ({_time(span.end - span.start)})")


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1_000:.0f} ms"


def _chosen(spans: list[ExportedSpan], trace_id: str | None) -> list[ExportedSpan]:
    """One trace: the one that is named, else the last one of a job."""
    if trace_id is None:
        jobs = [span.trace_id for span in spans if span.name == "job"]
        if not jobs:
            sys.exit("no job has ended in this file")
        trace_id = jobs[-1]
    return of_trace(spans, trace_id)


if __name__ == "__main__":
    sys.stdout.write(svg(_chosen(spans_in(Path(sys.argv[1])), next(iter(sys.argv[2:]), None))))
