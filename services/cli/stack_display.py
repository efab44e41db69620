"""How the processes of a stack are shown: a table that fits 80 columns, and what is wrong below it."""

from __future__ import annotations

from typing import Final

from deploy.local.inspection import ProcessReport
from services.cli.columns import Column, rows
from services.cli.durations import length
from shared.text import one_line, shortened

_COLUMNS: Final = (
    Column("SERVICE", least=11),
    Column("PID", right=True, least=7),
    Column("PORT", right=True, least=5),
    Column("STATE", least=13),
    Column("RESTARTS", right=True),
    Column("UPTIME", right=True, least=12),
    Column("HEALTH", rest=True),
)
_REASON_CHARACTERS: Final = 400


def table(reports: list[ProcessReport]) -> list[str]:
    """The lines. Reasons are shown in full below the table, since they are too long for a column."""
    cells = []
    wrong = []
    for report in reports:
        health, _, reason = report.health.partition(": ")
        restarts = "-" if report.state is None else str(report.restarts)
        uptime = "-" if report.uptime_seconds is None else length(report.uptime_seconds)
        pid, port = str(report.pid or "-"), str(report.port or "-")
        cells.append((report.service, pid, port, report.state or "-", restarts, uptime, health))
        if reason:
            name = f"{report.service} (process {pid})" if report.pid else report.service
            wrong.append(f"{name} is {health}: {shortened(one_line(reason), _REASON_CHARACTERS)}")
    return [*rows(_COLUMNS, cells, width=None), *([""] if wrong else []), *wrong]
