"""The table of `podcast ps`."""

from __future__ import annotations

from deploy.local.inspection import ProcessReport
from services.cli.stack_display import table


def report(**changes: object) -> ProcessReport:
    values: dict[str, object] = {"service": "coordinator", "pid": 4_194_304, "port": 31_999, "state": "running"}
    return ProcessReport.model_validate({**values, "restarts": 0, "health": "ready", "uptime_seconds": 12.3, **changes})


def test_it_fits_80_columns_and_says_what_is_wrong_below() -> None:
    reports = [
        report(state="not answering", restarts=1_234, uptime_seconds=86_400 * 123, health="not ready: no answer"),
        report(service="synthesizer", pid=None, state="restarting", health="not ready: it does not run"),
        report(service="store", pid=None, port=None, state=None, uptime_seconds=None),
    ]
    header, first, second, third, empty, *wrong = table(reports)
    assert all(len(line) <= 80 for line in (header, first, second, third))
    assert header.split() == ["SERVICE", "PID", "PORT", "STATE", "RESTARTS", "UPTIME", "HEALTH"]
    assert first == "coordinator  4194304  31999  not answering      1234  2952 h 00 min  not ready"
    assert third.split() == ["store", "-", "-", "-", "-", "-", "ready"]
    assert not empty
    assert wrong == [
        "coordinator (process 4194304) is not ready: no answer",
        "synthesizer is not ready: it does not run",
    ]


def test_a_reason_cannot_write_on_the_terminal() -> None:
    lines = table([report(health="not ready: \x1b[2Jgone\r\nand more")])
    assert all(line.isprintable() for line in lines)
