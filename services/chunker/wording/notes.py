"""What a wording does not say, for the list of omissions."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that is not said: as in an `Omission` of the manifest."""

    kind: str
    reason: str
    sample: str


@dataclass(slots=True)
class Notes:
    """Collects what the passes leave out of one text."""

    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, kind: str, reason: str, sample: str) -> str:
        """Note it; returns the space that takes its place."""
        self.left_out.append(LeftOut(kind, reason, sample))
        return " "
