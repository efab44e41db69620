"""What was wrong with a book and how it is read nevertheless, a sentence for each kind of fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_SAMPLE_CHARACTERS: Final = 80


@dataclass
class Repairs:
    """Counts the faults of a book by what was done about them."""

    _found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, sample: str = "") -> None:
        """Record a fault.

        Args:
            what: the fault and the remedy, a sentence without its end; the same for all faults of a kind.
            sample: where it is; the first one is shown.
        """
        self._found.setdefault(what, []).append(" ".join(sample.split())[:_SAMPLE_CHARACTERS])

    def sentences(self) -> tuple[str, ...]:
        """One sentence for each kind, with how often it occurs."""
        return tuple(_sentence(what, samples) for what, samples in self._found.items())


def _sentence(what: str, samples: list[str]) -> str:
    times = f"{len(samples)} times, first: " if len(samples) > 1 else ""
    place = f"{times}{samples[0]}".removesuffix(", first: ") if samples[0] else times.removesuffix(", first: ")
    return f"{what} ({place})." if place else f"{what}."
