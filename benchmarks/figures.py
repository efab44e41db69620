"""A measured number, and its target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table.

    Attributes:
        value: what was measured.
        unit: of the value; empty for a ratio.
        at_least: the target, if there is one.
        at_most: the target, if there is one.
    """

    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def shown(self) -> str:
        digits = 0 if abs(self.value) >= 100 else 2 if abs(self.value) < 10 else 1
        return f"{self.value:,.{digits}f} {self.unit}".strip()

    @property
    def verdict(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}: {'met' if self.value >= self.at_least else '**missed**'}"
        if self.at_most is not None:
            return f"≤ {self.at_most:g}: {'met' if self.value <= self.at_most else '**missed**'}"
        return ""


Figures = dict[str, Figure]
"""A description of what was measured → the figure, in the order of the table."""
