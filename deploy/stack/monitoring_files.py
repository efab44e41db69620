"""The configs of the overlay `monitoring`: files of deploy/monitoring, and one that becomes the operator's own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.local.files import read_private
from deploy.stack.deployment import ROOT

SOURCE: Final = ROOT / "deploy" / "monitoring"
OURS: Final = {
    "prometheus.yml": "prometheus.yml",
    "prometheus_rules.yml": "rules/podcast.yml",
    "grafana_datasources.yml": "grafana/provisioning/datasources.yml",
    "grafana_dashboards.yml": "grafana/provisioning/dashboards.yml",
    "grafana_jobs.json": "grafana/dashboards/jobs.json",
    "grafana_servers.json": "grafana/dashboards/servers.json",
    "grafana_services.json": "grafana/dashboards/services.json",
}
"""Config → file below deploy/monitoring. They are written again when a new version has others."""
OPERATORS: Final = {"alertmanager.yml": "alertmanager.yml"}
"""The same for what begins as an example, and is kept as it is from then on."""


def configs(folder: Path) -> dict[str, str]:
    """File name → content.

    Args:
        folder: of the deployment's configs.
    """
    found = {name: (SOURCE / path).read_text(encoding="utf-8") for name, path in (OURS | OPERATORS).items()}
    return found | {name: kept for name in OPERATORS if (kept := read_private(folder / name))}
