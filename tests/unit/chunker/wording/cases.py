"""The tables of what is said: `written<tab>said`, with `#` for comments and `heading: ` before a heading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
HEADING = "heading: "


@dataclass(frozen=True, slots=True)
class Case:
    """A line of a table."""

    written: str
    said: str
    heading: bool


def read(language: str) -> list[Case]:
    """The cases of a language."""
    cases = []
    for number, line in enumerate((FOLDER / f"cases_{language}.tsv").read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("# "):
            continue
        written, tab, said = line.partition("\t")
        assert tab, f"cases_{language}.tsv, line {number}: no tab"
        cases.append(Case(written.removeprefix(HEADING), said, written.startswith(HEADING)))
    return cases
