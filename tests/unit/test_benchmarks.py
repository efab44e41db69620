"""The parts of the benchmarks that their figures depend on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import books, report
from benchmarks.__main__ import BENCHES
from benchmarks.figures import Figure
from benchmarks.loudness.altered_speech import altered
from benchmarks.loudness.measuring import Sound, neighbours


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


def test_a_step_from_chunk_to_chunk_is_measured_as_large_as_it_is() -> None:
    rate = 24_000
    chance = np.random.default_rng(1)
    one, other = (chance.normal(0, 0.05, 4 * rate).astype(np.float32) for _ in range(2))
    pause = np.zeros(rate // 2, dtype=np.float32)
    episode = np.concatenate((pause, one, pause, other * np.float32(10 ** (2 / 20))))
    sound = Sound(rate, episode, [one, other * np.float32(2)], [len(pause), 2 * len(pause) + len(one)])

    [pair] = neighbours(sound)

    assert (pair.before, pair.seam_before) == (pytest.approx(6.0, abs=0.1), pytest.approx(6.0, abs=0.1))
    assert (pair.after, pair.seam_after) == (pytest.approx(2.0, abs=0.1), pytest.approx(2.0, abs=0.1))
    assert pair.added == pytest.approx(-4.0, abs=0.1)


def test_the_uneven_voice_is_uneven_and_the_same_every_time() -> None:
    speech = np.full(100, 0.1, dtype=np.float32)
    levels = [float(altered(speech, f"Text {number}.", "uneven").max()) for number in range(50)]

    assert levels == [float(altered(speech, f"Text {number}.", "uneven").max()) for number in range(50)]
    assert max(levels) / min(levels) > 2
    assert np.array_equal(altered(speech, "Text.", "another"), speech)
