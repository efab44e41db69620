"""Every metric and label that a rule or a dashboard asks for exists; the dashboards' files are up to date."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy.monitoring.dashboards import FOLDER, as_text, written
from docs.metrics import catalogue
from tests.monitoring.names import OF_OTHERS, asked_for, labels_asked_for, ours
from tests.monitoring.test_alerts import rules

ADDED_BY_PROMETHEUS = {"job", "service", "instance", "le"}


def queries() -> list[tuple[str, str]]:
    """Where, and what, is asked for."""
    panels = [
        (f"{name}: {panel['title']}", target["expr"])
        for name, dashboard in written().items()
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]
    return panels + [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


@pytest.mark.parametrize(("where", "expr"), queries())
def test_every_metric_exists(where: str, expr: str) -> None:
    names = asked_for(expr)
    assert names or "vector" in expr, where
    assert names <= ours() | OF_OTHERS | recorded(), where


@pytest.mark.parametrize(("where", "expr"), queries())
def test_every_label_exists(where: str, expr: str) -> None:
    series = {name: set(metric.labels) for metric in catalogue().values() for name in metric.series}
    for name, labels in labels_asked_for(expr).items():
        if name in series:
            assert labels <= series[name] | ADDED_BY_PROMETHEUS, where


def test_names_are_found_in_expressions() -> None:
    expr = 'sum by (a, b) (rate(one_total{x="y_z"}[5m])) / on (a) two or vector(0) > 0.2 * three:four:rate5m'
    assert asked_for(expr) == {"one_total", "two", "three:four:rate5m"}
    assert labels_asked_for(expr) == {"one_total": {"x"}}


def test_the_dashboards_are_up_to_date() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(written())
    for name, dashboard in written().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == as_text(dashboard), "run: make docs"


@pytest.mark.parametrize("name", written())
def test_a_dashboard_is_one_that_grafana_reads(name: str) -> None:
    dashboard: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert dashboard["schemaVersion"] >= 36
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells
