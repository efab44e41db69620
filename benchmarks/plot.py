"""A picture beside a bench's table: horizontal bars with their targets, as an SVG.

It has its own background, light or dark as the reader's system is, so it can be read on any page. What a bar means is
said in words beside it; its colour and its hatching only repeat that. The same figures give the same bytes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from benchmarks.figures import Figure, Figures

WIDTH: Final = 760
FONT: Final = 13
CHARACTER: Final = 7.5
"""Pixels that a character takes at most, on average over a line."""
_LEFT: Final = 16
_BARS: Final = 430
"""The longest bar."""
_BAR: Final = 14
_LINE: Final = 18
_GAP: Final = 10
_BEYOND_TARGET: Final = 3.0
"""Where bars are relative to their targets: a longer one is cut off here, and says so."""
_LABEL_CHARACTERS: Final = 90
_STYLE: Final = (
    ".back { fill: #ffffff; } text { fill: #1f2328; } .note { fill: #59636e; } .bar { fill: #3b6fb6; }"
    " .missed { fill: url(#hatch); stroke: #b3411f; } .stripe { stroke: #b3411f; } .target { stroke: #1f2328; }"
    " @media (prefers-color-scheme: dark) { .back { fill: #0d1117; } text { fill: #e6edf3; } .note { fill: #9198a1; }"
    " .bar { fill: #4a7fc8; } .missed { stroke: #f0885f; } .stripe { stroke: #f0885f; } .target { stroke: #e6edf3; } }"
)
_HATCH: Final = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="stripe" x1="0" y1="0" x2="0" y2="6" stroke-width="5"/></pattern></defs>'
)


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars that share an axis, which begins at 0.

    Attributes:
        caption: what the bars measure.
        bars: a label and its figure, from top to bottom.
        is_relative: each bar is as long as its figure divided by its target, so that different units share the axis;
            all of them have targets, none of which is 0.
    """

    caption: str
    bars: tuple[tuple[str, Figure], ...]
    is_relative: bool = False

    @classmethod
    def of(cls, figures: Figures, ending: str, caption: str) -> Panel:
        """The figures whose names have this ending, which their labels leave out."""
        found = [(name.removesuffix(ending), figure) for name, figure in figures.items() if name.endswith(ending)]
        return cls(caption, tuple(found))


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture.

    Attributes:
        title: of the bench.
        panels: from top to bottom; one without bars is left out.
    """

    title: str
    panels: tuple[Panel, ...]

    @property
    def alt(self) -> str:
        """What those who do not see it are told: which figures it shows, and those that miss their targets."""
        bars = [(label.replace("`", ""), figure) for panel in self.panels for label, figure in panel.bars]
        missed = [f"{label} ({figure.shown})" for label, figure in bars if _is_missed(figure)]
        targets = "; missed: " + ", ".join(missed) if missed else ""
        return f"{self.title}: {len(bars)} figures of the table as bars{targets}."


def usual(title: str, figures: Figures) -> Plot:
    """The figures that have a target, relative to it; if none has, all of them, a panel for each unit."""
    aimed = tuple((name, figure) for name, figure in figures.items() if _target(figure))
    if aimed:
        return Plot(title, (Panel("measured, relative to the target (the dashed line)", aimed, is_relative=True),))
    units = dict.fromkeys(figure.unit for figure in figures.values())
    return Plot(
        title,
        tuple(
            Panel(
                f"in {unit}" if unit else "ratios",
                tuple((name, figure) for name, figure in figures.items() if figure.unit == unit),
            )
            for unit in units
        ),
    )


def svg(plot: Plot) -> str:
    """The picture, as a document of its own."""
    y: float = _LEFT + _LINE
    parts = [f'<text x="{_LEFT}" y="{y - 4:g}" font-weight="600">{escape(plot.title)}</text>']
    for panel in plot.panels:
        if panel.bars:
            drawn, y = _panel(panel, y + _GAP)
            parts += drawn
    height = round(y + _LEFT)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    font = f'font-family="system-ui, sans-serif" font-size="{FONT}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {font}>',
        f"<title>{escape(plot.alt)}</title>",
        f"<style>{_STYLE}</style>",
        _HATCH,
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
    )
    return "\n".join((*head, *parts, "</svg>", ""))


def _panel(panel: Panel, y: float) -> tuple[list[str], float]:
    """A panel that begins at `y`, and where it ends."""
    y += _LINE
    parts = [f'<text class="note" x="{_LEFT}" y="{y - 4:g}">{escape(panel.caption)}</text>']
    scale = _scale(panel)
    for label, figure in panel.bars:
        y += _GAP / 2
        for line in textwrap.wrap(label.replace("`", ""), _LABEL_CHARACTERS):
            y += _LINE
            parts.append(f'<text x="{_LEFT}" y="{y - 4:g}">{escape(line)}</text>')
        parts += _bar(panel, figure, scale, y)
        y += _BAR + 4
    return parts, y


def _bar(panel: Panel, figure: Figure, scale: float, y: float) -> Iterable[str]:
    length = _length(panel, figure)
    is_cut = panel.is_relative and length > _BEYOND_TARGET
    width = max(0.0, min(length * scale, _BARS))
    kind = "missed" if _is_missed(figure) else "bar"
    yield f'<rect class="{kind}" x="{_LEFT}" y="{y:g}" width="{width:.1f}" height="{_BAR}"/>'
    target = _target(figure)
    end = width
    if target is not None:
        x = (1.0 if panel.is_relative else target) * scale
        end = max(end, x)
        place = f'x1="{_LEFT + x:.1f}" y1="{y - 1:g}" x2="{_LEFT + x:.1f}" y2="{y + _BAR + 3:g}"'
        yield f'<line class="target" {place} stroke-width="2" stroke-dasharray="4 2"/>'
    verdict = figure.verdict.replace("**", "")
    words = "  ".join(filter(None, (figure.shown, f"({verdict})" if verdict else "", "→ cut off" if is_cut else "")))
    yield f'<text x="{_LEFT + end + 8:.1f}" y="{y + _BAR - 3:g}">{escape(words)}</text>'


def _scale(panel: Panel) -> float:
    """Pixels for 1."""
    lengths = [_length(panel, figure) for _, figure in panel.bars]
    targets = [target for _, figure in panel.bars if (target := _target(figure)) is not None]
    if panel.is_relative:
        return _BARS / min(max([*lengths, 1.0]), _BEYOND_TARGET)
    return _BARS / (max([*lengths, *targets]) or 1.0)


def _length(panel: Panel, figure: Figure) -> float:
    target = _target(figure)
    return figure.value / target if panel.is_relative and target else figure.value


def _target(figure: Figure) -> float | None:
    return figure.at_most if figure.at_least is None else figure.at_least


def _is_missed(figure: Figure) -> bool:
    return "missed" in figure.verdict
