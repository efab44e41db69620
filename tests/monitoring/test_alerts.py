"""The alerts: promtool accepts them, each fires when it should and not when it should not, and has a runbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.metrics import catalogue
from tests.monitoring.alert_cases import CASES, Case
from tests.servers import prometheus

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "monitoring" / "rules" / "podcast.yml"
GUIDE = ROOT / "docs" / "operations.md"


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def test_promtool_accepts_the_rules() -> None:
    done = prometheus.run("promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    assert [case.alert for case in CASES] == [alert["alert"] for alert in alerts()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_fires_when_it_should_and_only_then(case: Case, tmp_path: Path) -> None:
    document = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            test
            for series, firing in ((case.fires, True), (case.silent, False))
            if (test := _test(case, series, firing))
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(document))
    done = prometheus.run("promtool", "test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def _test(case: Case, series: dict[str, str], firing: bool) -> dict[str, Any] | None:
    if not series:
        return None
    fired = [{"labels": "{}", "value": 1}] if firing else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'count(count by (alertname) (ALERTS{{alertname="{case.alert}", alertstate="firing"}}))',
                "eval_time": f"{case.at}m",
                "exp_samples": fired,
            }
        ],
    }


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    name = alert["alert"]
    assert alert["labels"]["severity"] in {"critical", "warning", "none"}
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"


def test_every_alert_has_a_section_of_the_guide() -> None:
    headings = {
        line.lstrip("# ").strip() for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    }
    assert [alert["alert"] for alert in alerts() if alert["alert"] not in headings] == []


def test_alertmanager_accepts_the_example() -> None:
    done = prometheus.run("amtool", "check-config", RULES.parents[1] / "alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "now"), ("warning", "today"), ("none", "alive")])
def test_alertmanager_routes_by_severity(severity: str, receiver: str) -> None:
    config = RULES.parents[1] / "alertmanager.yml"
    done = prometheus.run("amtool", "config", "routes", "test", f"--config.file={config}", f"severity={severity}")
    assert done.stdout.strip() == receiver


def test_the_alerts_that_inhibit_others_exist() -> None:
    config = yaml.safe_load((RULES.parents[1] / "alertmanager.yml").read_text())
    names = {alert["alert"] for alert in alerts()}
    sources = [matcher.split('"')[1] for rule in config["inhibit_rules"] for matcher in rule["source_matchers"]]
    assert set(sources) <= names


def test_recorded_names_are_no_metrics_of_ours() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert recorded.isdisjoint(catalogue())
