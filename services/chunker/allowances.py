"""What reading a document may cost, by its size: CPU time and memory of each step.

Judged by the CPU time that was used, not by the clock: on a crowded machine an honest document takes longer but not
more. So what is over its allowance is refused for good, while what is late is tried again. The numbers are in ADR 12.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import TooLarge

MEGABYTE = 1_000_000

BASE_CPU_SECONDS = 10
"""For the smallest document: ten times what starting a parser and its libraries takes."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one step may use.

    Attributes:
        cpu_seconds: CPU time.
        memory_bytes: address space of a worker, heap of pandoc.
    """

    cpu_seconds: int
    memory_bytes: int


def of_worker(size_bytes: int) -> Allowance:
    """What a step in Python may use that takes in so much."""
    return Allowance(
        cpu_seconds=BASE_CPU_SECONDS + 5 * size_bytes // MEGABYTE,
        memory_bytes=min(1_000 * MEGABYTE + 40 * size_bytes, 4_000 * MEGABYTE),
    )


def of_pandoc(size_bytes: int) -> Allowance:
    """What pandoc may use for a document that unpacks to so much."""
    return Allowance(
        cpu_seconds=BASE_CPU_SECONDS + 10 * size_bytes // MEGABYTE,
        memory_bytes=min(500 * MEGABYTE + 250 * size_bytes, 1_500 * MEGABYTE),
    )


def pandoc_output_bytes(size_bytes: int) -> int:
    """How large the tree of such a document may be. 5 MB of Markdown gave 41 MB."""
    return min(5 * MEGABYTE + 30 * size_bytes, 150 * MEGABYTE)


ARCHIVE_RATIO = 20
"""XML of real books and letters is packed to a tenth; what is packed tighter counts as if it were not."""


def archive_size(packed_bytes: int, inflated_bytes: int) -> int:
    """What an archive counts for: what it inflates to, but not without bound for a few KB."""
    return min(inflated_bytes, ARCHIVE_RATIO * packed_bytes)


def used_up(what: str, allowance: Allowance) -> TooLarge:
    """The error for a document whose parser uses up its CPU time."""
    return TooLarge(
        f"{what} took more than {allowance.cpu_seconds} s of CPU time, far more than a document of its size needs.",
        hint="It nests or repeats something in a way that no reader copes with: convert it to plain text.",
    )
