"""Writes the Grafana dashboards, grafana/dashboards/*.json: `python -m deploy.monitoring.dashboards`, or `make docs`.

A test fails when a file is stale, and when a query names a metric that nobody has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from deploy.monitoring import dashboard_jobs, dashboard_servers, dashboard_services
from deploy.monitoring.panels import dashboard

FOLDER: Final = Path(__file__).parent / "grafana" / "dashboards"


def written() -> dict[str, dict[str, Any]]:
    """File name → dashboard."""
    return {
        "jobs.json": dashboard("podcast-jobs", "Podcast Engine: where is my book?", dashboard_jobs.panels()),
        "servers.json": dashboard("podcast-servers", "Podcast Engine: servers", dashboard_servers.panels()),
        "services.json": dashboard("podcast-services", "Podcast Engine: services", dashboard_services.panels()),
    }


def as_text(shown: dict[str, Any]) -> str:
    """The file of a dashboard."""
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, shown in written().items():
        (FOLDER / name).write_text(as_text(shown), encoding="utf-8")
