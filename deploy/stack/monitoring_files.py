"""The configs of the overlay `monitoring`: files of deploy/monitoring, and one that becomes the operator's own."""

from __future__ import annotations

import re
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
_PLAIN: Final = re.compile(r"^    scheme: http  # of (\w+)$", re.MULTILINE)
_ENCRYPTED: Final = r"""    scheme: https
    tls_config: {ca_file: /etc/prometheus/ca.pem, server_name: \1}"""
"""The targets are known by their addresses; their certificates name the service. The file is of `monitoring-tls`."""


def configs(folder: Path, *, encrypted: bool = False) -> dict[str, str]:
    """File name → content.

    Args:
        folder: of the deployment's configs.
        encrypted: the store and the speech server answer by https alone.
    """
    found = {name: (SOURCE / path).read_text(encoding="utf-8") for name, path in (OURS | OPERATORS).items()}
    if encrypted:
        found["prometheus.yml"] = _PLAIN.sub(_ENCRYPTED, found["prometheus.yml"])
    return found | {name: kept for name in OPERATORS if (kept := read_private(folder / name))}
