"""How the processes of a stack are shown: a table of 80 columns, and what is wrong below it."""

from __future__ import annotations

from deploy.local.inspection import ProcessReport

_NOT_READY = "not ready"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_REASON_CHARACTERS = 400


def table(reports: list[ProcessReport]) -> list[str]:
    """The lines."""
    lines = [_line("SERVICE", "PID", "PORT", "STATE", "RESTARTS", "UPTIME", "HEALTH")]
    wrong = []
    for report in reports:
        health, _, reason = report.health.partition(": ")
        lines.append(
            _line(
                report.service,
                str(report.pid or "-"),
                str(report.port or "-"),
                report.state or "-",
                "-" if report.state is None else str(report.restarts),
                _duration(report.uptime_seconds),
                health,
            )
        )
        if reason:
            name = f"{report.service} (process {report.pid})" if report.pid else report.service
            wrong.append(f"{name} is {_NOT_READY}: {_plain(reason)}")
    return [*lines, *([""] if wrong else []), *wrong]


def _line(*cells: str) -> str:
    service, pid, port, state, restarts, uptime, health = cells
    return f"{service:<12} {pid:>7} {port:>6}  {state:<14} {restarts:>8} {uptime:>8}  {health}"


def _duration(seconds: float | None) -> str:
    """In two units at most: `42s`, `3m 5s`, `2h 10m`, `12d 4h`."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR}h"


def _plain(text: str) -> str:
    """One line without control characters: a server's words may be in it."""
    return "".join(character if character.isprintable() else " " for character in text)[:_REASON_CHARACTERS]
