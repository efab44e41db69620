"""How much CPU time and memory a step in a worker process may use, by the size of what it reads.

CPU time is limited, not elapsed time: on a busy machine a normal document takes longer, but no more CPU time. So a
document that is over its allowance is refused permanently, while a late one is retried. The numbers are in ADR 12.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import TooLarge

MEGABYTE = 1_000_000

BASE_CPU_SECONDS = 10
"""For the smallest document: ten times the cost of starting a parser and its libraries."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one step may use.

    Attributes:
        cpu_seconds: CPU time.
        memory_bytes: a worker's address space, or pandoc's heap.
    """

    cpu_seconds: int
    memory_bytes: int


def of_worker(size_bytes: int) -> Allowance:
    """What a step in Python may use for an input of this size."""
    return Allowance(
        cpu_seconds=BASE_CPU_SECONDS + 5 * size_bytes // MEGABYTE,
        memory_bytes=min(1_000 * MEGABYTE + 40 * size_bytes, 4_000 * MEGABYTE),
    )


def used_up(what: str, allowance: Allowance) -> TooLarge:
    """The error for a document whose parser uses up its CPU time."""
    return TooLarge(
        f"{what} took more than {allowance.cpu_seconds} s of CPU time, far more than a document of its size needs.",
        hint="It nests or repeats something in a way that no reader copes with: convert it to plain text.",
    )
