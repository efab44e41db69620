"""docs/metrics.md matches the metrics of the code, and these keep Prometheus' conventions."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from docs import metrics
from docs.metrics import DOCUMENT, MODULES, Metric, catalogue, written

ROOT = Path(__file__).parents[2]
KINDS = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
UNBOUNDED = {
    "job",
    "job_id",
    "chunk",
    "key",
    "url",
    "path",
    "trace",
    "message",
    "reason",
    "voice",
    "instance",
    "service",
}
"""What a label may not be called: there may be any number of values, or Prometheus sets it."""


def test_the_page_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == written(), "run: make docs"


def test_metrics_are_defined_in_the_modules_that_the_page_is_made_from() -> None:
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in ("services", "shared", "deploy", "podcast_client")
        for path in (ROOT / folder).rglob("*.py")
        if _defines_metrics(path)
    }
    assert found == set(MODULES)


def _defines_metrics(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    of_prometheus = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client")
        for name in node.names
        if name.name in KINDS
    }
    return bool(of_prometheus)


def test_every_metric_is_in_the_catalogue_once() -> None:
    names = [metric.name for module in MODULES for metric in metrics.defined(module)]
    assert len(names) == len(set(names)) > 40


@pytest.mark.parametrize("metric", catalogue().values(), ids=lambda metric: metric.name)
def test_a_metric_keeps_the_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"podcast_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert not re.search(r"_(ms|milliseconds|minutes|hours|kb|percent)(_|$)", metric.name)
    assert set(metric.labels).isdisjoint(UNBOUNDED)
    if metric.kind == "histogram" and metric.name != "podcast_job_chunks":
        assert metric.name.endswith("_seconds")


@pytest.mark.parametrize("metric", catalogue().values(), ids=lambda metric: metric.name)
def test_a_help_text_is_a_plain_sentence(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z].{20,}\.", metric.meaning, re.DOTALL)
    assert "\n" not in metric.meaning
    assert "|" not in metric.meaning


def test_the_modules_can_be_imported_alone() -> None:
    for module in MODULES:
        importlib.import_module(module)
