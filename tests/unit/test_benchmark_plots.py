"""The pictures of docs/benchmarks.md."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from benchmarks import plot, report, scaling
from benchmarks.figures import Figure, Figures
from benchmarks.plot import Panel, Plot

SVG = "{http://www.w3.org/2000/svg}"
LONG = (
    "the median of a submission & 1,000 jobs < that wait, 50 event streams are open and each hears everything of them"
)
FIGURES: Figures = {
    "ideal / makespan": Figure(0.96, at_least=0.95),
    "joined < copied & done": Figure(17.0, at_least=100),
    "far over its target": Figure(900.0, "ms", at_most=100),
    LONG: Figure(1_234.0, "MB", at_most=1_000),
    "nothing": Figure(0.0, "MB", at_most=10),
    "time": Figure(37.5, "s"),
}


def drawn(made: Plot) -> ET.Element:
    return ET.fromstring(plot.svg(made))  # noqa: S314 - it was made here


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def bars(root: ET.Element) -> list[ET.Element]:
    return [element for element in root.iter(f"{SVG}rect") if element.get("class") in {"bar", "missed"}]


def test_it_says_each_figure_that_has_a_target_and_whether_it_met_it() -> None:
    root = drawn(plot.usual("A <bench> & more", FIGURES))
    said = texts(root)
    assert said[0] == "A <bench> & more"
    assert "ideal / makespan" in said
    assert "joined < copied & done" in said
    assert "0.96  (≥ 0.95: met)" in said
    assert "17.0  (≥ 100: missed)" in said
    assert "900 ms  (≤ 100: missed)  → cut off" in said
    assert LONG in " ".join(said)
    assert "time" not in said
    assert [bar.get("class") for bar in bars(root)] == ["bar", "missed", "missed", "missed", "bar"]


def test_a_bar_that_meets_its_target_reaches_the_line_and_one_that_misses_it_does_not() -> None:
    root = drawn(plot.usual("A bench", {"met": Figure(0.96, at_least=0.95), "missed": Figure(0.8, at_least=0.95)}))
    lines = {float(line.get("x1", 0)) for line in root.iter(f"{SVG}line") if line.get("class") == "target"}
    assert len(lines) == 1
    met, missed = (float(bar.get("x", 0)) + float(bar.get("width", 0)) for bar in bars(root))
    assert missed < lines.pop() < met
    assert (met - plot._LEFT) / (missed - plot._LEFT) == pytest.approx(0.96 / 0.8, rel=0.01)


def test_without_targets_all_figures_are_shown_and_units_do_not_share_an_axis() -> None:
    root = drawn(plot.usual("A bench", {"a": Figure(2.0, "s"), "b": Figure(1.0, "s"), "c": Figure(30.0, "ms")}))
    assert {"in s", "in ms", "2.00 s", "1.00 s", "30.0 ms"} <= set(texts(root))
    widths = [float(bar.get("width", 0)) for bar in bars(root)]
    assert widths == [plot._BARS, plot._BARS / 2, plot._BARS]


def test_nothing_is_outside_of_the_view_box() -> None:
    root = drawn(Plot(LONG[:80], (*plot.usual("", FIGURES).panels, Panel("all", tuple(FIGURES.items())))))
    _, _, width, height = (float(number) for number in root.get("viewBox", "").split())
    for element in root.iter():
        if element.tag == f"{SVG}text":
            end = float(element.get("x", 0)) + len(element.text or "") * plot.CHARACTER
            assert end <= width, element.text
            assert plot.FONT <= float(element.get("y", 0)) <= height - 4
        if element.tag == f"{SVG}rect" and element.get("class") != "back":
            assert float(element.get("x", 0)) + float(element.get("width", 0)) <= width
            assert float(element.get("y", 0)) + float(element.get("height", 0)) <= height
        if element.tag == f"{SVG}line" and element.get("class") == "target":
            assert 0 <= float(element.get("x1", 0)) <= width
            assert float(element.get("y2", 0)) <= height


def test_the_same_figures_give_the_same_bytes_and_every_colour_has_one_for_dark_pages() -> None:
    made = plot.svg(plot.usual("A bench", FIGURES))
    assert made == plot.svg(plot.usual("A bench", dict(FIGURES)))
    light, dark = re.search(r"<style>(.*)@media[^{]*{(.*)}</style>", made).groups()  # type: ignore[union-attr] # there is a style
    coloured = set(re.findall(r"\.\w+(?= {[^}]*#)|text(?= {)", light))
    assert coloured == set(re.findall(r"\.\w+(?= {[^}]*#)|text(?= {)", dark))


def test_the_picture_of_a_bench_is_beside_the_page_and_its_description_names_what_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    monkeypatch.setattr(report, "PAGE", tmp_path / "benchmarks.md")
    bench = ModuleType("bench")
    vars(bench)["TITLE"] = "A bench"
    shown = report.draw("some", bench, {"a": Figure(0.9, at_least=0.95), "b": Figure(1.0, at_most=2)})
    assert shown == "![A bench: 2 figures of the table as bars; missed: a (0.90).](images/bench-some.svg)"
    assert (tmp_path / "images" / "bench-some.svg").read_text(encoding="utf-8").startswith("<svg ")


def test_the_scaling_of_synthesizers_shows_each_number_of_them() -> None:
    figures: Figures = {}
    for name, ratio in (("1 synthesizer", 0.97), ("32 synthesizers", 0.85)):
        figures[f"{name}: from the first dispatch to the last chunk"] = Figure(15.0, "s")
        figures[f"{name}: ideal / measured"] = Figure(ratio, at_least=0.9)
        figures[f"{name}: CPU of the coordinator, a chunk"] = Figure(2.0, "ms")
        figures[f"{name}: from the last chunk to the stored episode"] = Figure(0.5, "s")
    made = scaling.plot(figures)
    assert [[label for label, _ in panel.bars] for panel in made.panels] == [["1 synthesizer", "32 synthesizers"]] * 3
    assert "missed: 32 synthesizers (0.85)" in made.alt
