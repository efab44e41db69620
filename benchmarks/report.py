"""docs/benchmarks.md: each benchmark's table is between two markers, and only those tables are rewritten.

Below a table is its picture, docs/images/bench-NAME.svg.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from benchmarks import plot
from benchmarks.figures import Figures

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PICTURES = "images"
"""Where pictures are, beside the page."""


def table(figures: Figures) -> str:
    """The figures as a Markdown table."""
    rows = [f"| {what} | {figure.shown} | {figure.verdict} |" for what, figure in figures.items()]
    return "\n".join(["| | measured | target |", "|---|---:|---|", *rows])


def conditions(command: Sequence[str], load_before: float) -> str:
    """When and where the figures were measured."""
    return (
        f"`{' '.join(command)}`, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; load before it {load_before:.1f}."
    )


def draw(name: str, bench: ModuleType, figures: Figures) -> str:
    """Write the picture of a bench; returns the Markdown that shows it on the page.

    A bench whose picture should not be the usual one (`plot.usual`) has a function `plot(figures) -> Plot`.
    """
    made: plot.Plot = bench.plot(figures) if hasattr(bench, "plot") else plot.usual(bench.TITLE, figures)
    path = PAGE.parent / PICTURES / f"bench-{name}.svg"
    path.write_text(plot.svg(made), encoding="utf-8")
    return f"![{made.alt}]({PICTURES}/{path.name})"


def write(name: str, section: str, *, to: Path | None = None) -> None:
    """Replace what is between the markers of `name`, on docs/benchmarks.md or another page.

    Raises:
        RuntimeError: the page has no such markers.
    """
    path = to or PAGE
    page = path.read_text(encoding="utf-8")
    begin, end = f"<!-- bench {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(page):
        raise RuntimeError(f"{path.name} has no markers for {name}.")
    path.write_text(pattern.sub(lambda _: f"{begin}\n{section}\n{end}", page), encoding="utf-8")
