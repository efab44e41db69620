"""What `podcast jobs` lists: a page of jobs, each with the source of its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.cli.columns import Column, rows
from shared.client.job_pages import JobFilter, jobs_page
from shared.client.job_sources import source_of
from shared.concurrency import gathered
from shared.protocol.messages import JobState, JobStatus
from shared.store.port import Store
from shared.text import one_line

WIDE_COLUMNS: Final = 120
"""From this width on a job takes one line; below it, its id and its source are on a separate line."""
_LOOKUPS_AT_A_TIME: Final = 16


@dataclass(frozen=True)
class Listed:
    """A job in the list.

    Attributes:
        status: its status.
        source: a file name, an address without its password, or `text`; empty if its request cannot be read.
    """

    status: JobStatus
    source: str

    def document(self) -> dict[str, Any]:
        """The JSON form: the fields of `JobStatus`, and `source`."""
        return {**self.status.model_dump(mode="json"), "source": self.source}


@dataclass(frozen=True)
class Page:
    """Jobs, newest first.

    Attributes:
        jobs: at most as many as requested.
        next: the value of `--before` for the next page; None at the end.
        unreadable: how many jobs were left out because their status cannot be read.
    """

    jobs: tuple[Listed, ...]
    next: str | None
    unreadable: int


async def page(store: Store, *, limit: int, before: str, states: frozenset[JobState] | None) -> Page:
    """One page of the jobs in the store.

    Args:
        store: holds the jobs.
        limit: how many at most.
        before: the id of a job; only older jobs are listed; empty: from the newest on.
        states: only jobs in these states; None: all.

    Raises:
        StoreDown: the store does not answer.
    """
    found = await jobs_page(store, limit=limit, before=before, wanted=JobFilter(states=states))

    async def listed(status: JobStatus) -> Listed:
        return Listed(status, await source_of(store, status.job_id))

    jobs = await gathered(listed, found.jobs, at_a_time=_LOOKUPS_AT_A_TIME)
    return Page(tuple(jobs), found.next or None, len(found.unreadable))


def table(jobs: Sequence[Listed], *, width: int | None) -> str:
    """The jobs under a header.

    Args:
        jobs: the jobs to show.
        width: of the terminal; None: it is not a terminal, so nothing is shortened.
    """
    if width is None or width >= WIDE_COLUMNS:
        columns = [
            Column("ID"),
            Column("SUBMITTED"),
            Column("STATE"),
            Column("CHUNKS", right=True),
            Column("SOURCE", most=40),
            Column("TITLE", rest=True),
        ]
        cells = [[job.status.job_id, *_common(job.status), one_line(job.source), _title(job.status)] for job in jobs]
        return "\n".join(rows(columns, cells, width=width))
    columns = [Column("SUBMITTED"), Column("STATE"), Column("CHUNKS", right=True), Column("TITLE", rest=True)]
    first = rows(columns, [[*_common(job.status), _title(job.status)] for job in jobs], width=width)
    beneath = rows(
        [Column("  ID", least=36), Column("SOURCE", rest=True)],
        [[f"  {job.status.job_id}", one_line(job.source)] for job in jobs],
        width=width,
    )
    return "\n".join(line for pair in zip(first, beneath, strict=True) for line in pair)


def local_time(seconds: float) -> str:
    """A time in this machine's time zone, to the minute; `-` if it is not known."""
    if seconds <= 0:
        return "-"
    try:
        return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, OSError, ValueError):  # not a valid time
        return "-"


def _common(status: JobStatus) -> list[str]:
    counts = status.chunks
    progress = f"{counts.done}/{counts.total}" if counts.total else "-"
    return [local_time(status.submitted_at), status.state, progress]


def _title(status: JobStatus) -> str:
    return one_line(status.title) or "-"
