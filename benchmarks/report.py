"""docs/benchmarks.md: each benchmark's table is between two markers, and only those tables are rewritten."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figures

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


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
