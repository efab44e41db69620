"""How much CPU time and memory pandoc may use, by the document's size; for Python see `shared.workers.allowances`."""

from __future__ import annotations

from shared.workers import allowances
from shared.workers.allowances import MEGABYTE, Allowance


def of_pandoc(size_bytes: int) -> Allowance:
    """What pandoc may use for a document that unpacks to this size."""
    return Allowance(
        cpu_seconds=allowances.BASE_CPU_SECONDS + 10 * size_bytes // MEGABYTE,
        memory_bytes=min(500 * MEGABYTE + 250 * size_bytes, 1_500 * MEGABYTE),
    )


def pandoc_output_bytes(size_bytes: int) -> int:
    """How large the tree of such a document may be. 5 MB of Markdown gave 41 MB."""
    return min(5 * MEGABYTE + 30 * size_bytes, 150 * MEGABYTE)


ARCHIVE_RATIO = 20
"""The XML of real books and letters shrinks to a tenth; beyond this ratio the inflated size no longer counts."""


def archive_size(packed_bytes: int, inflated_bytes: int) -> int:
    """The size at which an archive is counted: its inflated size, but at most `ARCHIVE_RATIO` times its packed size."""
    return min(inflated_bytes, ARCHIVE_RATIO * packed_bytes)
