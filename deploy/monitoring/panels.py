"""Panels of a Grafana dashboard, as the JSON that Grafana reads: only the few kinds that the dashboards use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

DATASOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
WIDTH: Final = 24
"""Grafana's columns."""


@dataclass(frozen=True)
class Query:
    """One query of a panel.

    Attributes:
        expr: in PromQL.
        legend: how a series is called; `{{label}}` stands for a label's value.
        unit: of a table's column.
    """

    expr: str
    legend: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        kind: `timeseries`, `stat`, `table` or `text`.
        title: what it shows.
        queries: what it asks for.
        width: in columns.
        height: in rows.
        unit: Grafana's name of the unit.
        explained: what to make of it.
        steps: from which value a stat is yellow, and from which it is red.
        options: more of the panel's JSON.
    """

    kind: str
    title: str
    queries: tuple[Query, ...] = ()
    width: int = 8
    height: int = 8
    unit: str = "short"
    explained: str = ""
    steps: tuple[float, float] | None = None
    options: dict[str, Any] = field(default_factory=dict)


def over_time(title: str, *queries: Query, unit: str = "short", explained: str = "", width: int = 8) -> Panel:
    """Lines over time."""
    return Panel("timeseries", title, queries, width=width, unit=unit, explained=explained)


def now(
    title: str,
    expr: str,
    *,
    legend: str = "",
    unit: str = "short",
    explained: str = "",
    steps: tuple[float, float] | None = None,
    width: int = 4,
    height: int = 4,
) -> Panel:
    """The value at this moment, a number for each series."""
    queries = (Query(expr, legend),)
    return Panel("stat", title, queries, width=width, height=height, unit=unit, explained=explained, steps=steps)


def rate(metric: str, by: str, selector: str = "") -> str:
    """The pace of a counter, by labels."""
    return f"sum by ({by}) (rate({metric}{selector}[5m]))"


def quantile(share: float, histogram: str, by: str = "", selector: str = "") -> str:
    """What a share of the observations stayed below, by labels."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share:g}, sum by ({labels}) (rate({histogram}_bucket{selector}[5m])))"


def by_label(title: str, label: str, columns: dict[str, Query], *, explained: str = "", height: int = 8) -> Panel:
    """A table with a line for each value of a label; columns by their heading."""
    letters = [chr(ord("A") + number) for number in range(len(columns))]
    names = {f"Value #{letter}": heading for letter, heading in zip(letters, columns, strict=True)}
    units = [
        {
            "matcher": {"id": "byName", "options": heading},
            "properties": [{"id": "unit", "value": query.unit}],
        }
        for heading, query in columns.items()
        if query.unit
    ]
    options = {
        "transformations": [
            {"id": "joinByField", "options": {"byField": label, "mode": "outer"}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {f"Time {number}": True for number in range(1, len(columns) + 1)} | {"Time": True},
                    "renameByName": names,
                },
            },
        ],
        "overrides": units,
    }
    queries = tuple(Query(query.expr) for query in columns.values())
    return Panel("table", title, queries, width=WIDTH, height=height, explained=explained, options=options)


def text(title: str, content: str, *, width: int = WIDTH, height: int = 5) -> Panel:
    """A text in Markdown."""
    return Panel("text", title, width=width, height=height, options={"content": content})


def dashboard(
    uid: str, title: str, panels: list[Panel], *, tags: tuple[str, ...] = ("podcast-engine",)
) -> dict[str, Any]:
    """The JSON of a dashboard; panels fill each row from the left."""
    placed = []
    x = y = row = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > WIDTH:
            x, y, row = 0, y + row, 0
        placed.append(_panel(number, panel, x, y))
        x, row = x + panel.width, max(row, panel.height)
    return {
        "uid": uid,
        "title": title,
        "tags": list(tags),
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "15s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [{"type": "dashboards", "title": "Podcast Engine", "tags": list(tags), "asDropdown": False}],
        "panels": placed,
    }


def _panel(number: int, panel: Panel, x: int, y: int) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.steps is not None:
        yellow, red = panel.steps
        steps = [("green", None), ("yellow", yellow), ("red", red)]
        defaults["thresholds"] = {
            "mode": "absolute",
            "steps": [{"color": color, "value": value} for color, value in steps],
        }
    shown: dict[str, Any] = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.explained,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
    }
    if panel.kind == "text":
        return shown | {"options": {"mode": "markdown", "content": panel.options["content"]}}
    is_now = panel.kind in {"stat", "table"}
    return shown | {
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": panel.options.get("overrides", [])},
        "transformations": panel.options.get("transformations", []),
        "options": _options(panel.kind),
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": DATASOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "instant": is_now,
                "range": not is_now,
                "format": "table" if panel.kind == "table" else "time_series",
            }
            for place, query in enumerate(panel.queries)
        ],
    }


def _options(kind: str) -> dict[str, Any]:
    if kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "textMode": "auto"}
    if kind == "table":
        return {"showHeader": True}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
