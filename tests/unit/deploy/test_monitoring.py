"""The overlay `monitoring` scrapes what the stack has, where it is, and keeps what the operator has written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.stack import monitoring_files
from deploy.stack.initialising import initialise
from tests.unit.deploy.conftest import Merge

CONFIG_LIMIT_BYTES = 500_000
"""What Swarm takes."""
WITHOUT_METRICS = {"provision", "prometheus", "alertmanager", "grafana"}
TOGETHER = ("rabbitmq-cluster", "minio-cluster", "monitoring")


def targets() -> Iterator[tuple[str, int]]:
    """The service and the port of everything that is scraped."""
    config = yaml.safe_load((monitoring_files.SOURCE / "prometheus.yml").read_text())
    for job in config["scrape_configs"]:
        for found in job.get("dns_sd_configs", ()):
            assert found["type"] == "A"
            yield from ((name.removeprefix("tasks."), found["port"]) for name in found["names"])


def port_of(name: str, service: dict[str, Any]) -> int:
    """Where a service of the stack answers /metrics."""
    fixed = {"rabbitmq": 15692, "minio": 9000, "node-exporter": 9100}
    environment = service.get("environment", {})
    own = environment.get("PODCAST_HEALTH_PORT", environment.get("PODCAST_SPEECH_PORT", 0))
    return fixed.get(name.rstrip("23"), int(own))


def test_every_service_is_scraped_at_its_port_and_can_be_reached(merge: Merge) -> None:
    services = merge(*TOGETHER)["services"]
    reached = set(services["prometheus"]["networks"])
    scraped = dict(targets())
    for name, port in scraped.items():
        assert port == port_of(name, services[name]), name
        assert reached & set(services[name]["networks"]), name
    others = {name for name in services if name not in scraped} - WITHOUT_METRICS
    assert others == {"minio2", "minio3", "minio4"}, "one of MinIO's nodes speaks for all"


def test_nothing_without_a_password_is_published(merge: Merge) -> None:
    services = merge("monitoring")["services"]
    assert [name for name, found in services.items() if found.get("ports")] == ["gateway", "grafana"]


def test_the_monitoring_runs_read_only_and_as_nobody_in_particular(merge: Merge) -> None:
    for name in ("prometheus", "alertmanager", "grafana", "node-exporter"):
        found = merge("monitoring")["services"][name]
        assert found["read_only"] is True
        assert not found["user"].startswith("0")


def test_what_the_operator_wrote_is_kept_and_ours_is_brought_up_to_date(tmp_path: Path) -> None:
    configs = initialise(tmp_path, {"PODCAST_TAG": "1"}).deployment.configs
    for name in ("alertmanager.yml", "prometheus.yml"):
        (configs / name).write_text("own: true\n")
    written = initialise(tmp_path, {}).written
    assert "configs/prometheus.yml" in written
    assert (configs / "alertmanager.yml").read_text() == "own: true\n"
    assert (configs / "prometheus.yml").read_text() == (monitoring_files.SOURCE / "prometheus.yml").read_text()


def test_with_certificates_the_store_and_the_speech_server_are_asked_over_https(tmp_path: Path, merge: Merge) -> None:
    configs = initialise(tmp_path, {"PODCAST_TAG": "1", "PODCAST_OVERLAYS": "monitoring,tls"}).deployment.configs
    jobs = yaml.safe_load((configs / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"]: job["tls_config"] for job in jobs if job.get("scheme") == "https"} == {
        name: {"ca_file": "/etc/prometheus/ca.pem", "server_name": name} for name in ("speech", "minio")
    }
    mounted = merge("monitoring", "tls", "monitoring-tls")["services"]["prometheus"]["configs"]
    assert "/etc/prometheus/ca.pem" in {found["target"] for found in mounted}


@pytest.mark.parametrize("name", [*monitoring_files.OURS, *monitoring_files.OPERATORS])
def test_swarm_takes_a_config_of_that_size(name: str, tmp_path: Path) -> None:
    assert 0 < len(monitoring_files.configs(tmp_path)[name].encode()) < CONFIG_LIMIT_BYTES
