"""The parts of the benchmarks that their figures depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import books, report
from benchmarks.__main__ import BENCHES
from benchmarks.figures import Figure


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure(0.96, at_least=0.95), "≥ 0.95: met"),
        (Figure(0.94, at_least=0.95), "≥ 0.95: **missed**"),
        (Figure(1.6, at_most=1.6), "≤ 1.6: met"),
        (Figure(1.61, at_most=1.6), "≤ 1.6: **missed**"),
        (Figure(7.0, "s"), ""),
    ],
)
def test_a_figure_says_whether_it_met_its_target(figure: Figure, verdict: str) -> None:
    assert figure.verdict == verdict


def test_the_page_has_a_place_for_every_bench_and_writing_one_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(report.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(report, "PAGE", page)
    for name in BENCHES:
        report.write(name, f"what {name} \\1 measured")
    assert [f"what {name} \\1 measured" in page.read_text(encoding="utf-8") for name in BENCHES] == [True] * len(
        BENCHES
    )
    with pytest.raises(RuntimeError, match="no markers for another"):
        report.write("another", "")


def test_every_sentence_of_a_book_is_another_and_as_long_as_asked() -> None:
    made = books.sentences(200, characters=90) + books.sentences(200, characters=90)
    assert len(set(made)) == 400
    assert {len(sentence) for sentence in made} == {90}
