"""How long the fuzz targets search: `short` in `make test`, `long` in `make fuzz`."""

from __future__ import annotations

from tests.fuzz.profile import NAME


def pytest_report_header() -> str:
    return f"fuzz targets: {NAME}"
