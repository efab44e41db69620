"""python -m benchmarks.loudness: render the same texts with every voice that this machine has, and measure them.

Writes the tables of docs/loudness.md, and docs/listening.html with clips. About ten minutes with Kokoro, two without.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import report
from benchmarks.environment import environment
from benchmarks.loudness import listening
from benchmarks.loudness.episodes import Result, results
from benchmarks.loudness.measuring import JUMP_LIMIT_LU, SHORT_TERM_SECONDS, Neighbours
from shared.audio.segments.mastering import TARGET_LUFS

DOCS: Final = Path(__file__).parents[2] / "docs"
LOUDNESS_LIMIT_LU: Final = 0.5
PEAK_LIMIT_DBTP: Final = -1.0


def wholes(found: Sequence[Result]) -> str:
    """The loudness of whole files, as a table."""
    rows = [
        "| voice | chunks | target | as decoded: mp3 | m4b | opus | flac | encoded as a whole | |",
        "|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    for each in found:
        target = TARGET_LUFS[each.voice.loudness]
        cells = [f"{lufs:.1f} LUFS, {peak:.1f} dBTP" for lufs, peak in each.wholes.values()]
        is_met = all(
            abs(lufs - target) <= LOUDNESS_LIMIT_LU and peak <= PEAK_LIMIT_DBTP for lufs, peak in each.wholes.values()
        )
        cells += [", ".join(each.encoded_whole) or "no", "met" if is_met else "**missed**"]
        rows.append(f"| {each.voice.name} | {len(each.sound.chunks)} | {target:.0f} | {' | '.join(cells)} |")
    return "\n".join(rows)


def steps(found: Sequence[Result]) -> str:
    """How chunks differ from their neighbours, as a table."""
    columns = (
        *("voice", "neighbours of 3 s or more: largest step before", "after", "standard deviation before", "after"),
        *("shorter ones: largest step before", "after", "largest step at a seam before", "after", "added at most", ""),
    )
    rows = [f"| {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) - 2)}---|"]
    for each in found:
        long = [pair for pair in each.neighbours if pair.seconds >= SHORT_TERM_SECONDS]
        short = [pair for pair in each.neighbours if pair.seconds < SHORT_TERM_SECONDS]
        after = _largest([pair.after for pair in long])
        cells = [
            *(_largest([pair.before for pair in long]), after),
            *(float(np.std([pair.before for pair in long])), float(np.std([pair.after for pair in long]))),
            *(_largest([pair.before for pair in short]), _largest([pair.after for pair in short])),
            *(_largest([pair.seam_before for pair in each.neighbours]), _largest(_seams_after(each.neighbours))),
            max(pair.added for pair in each.neighbours),
        ]
        shown = " | ".join("-" if value is None else f"{value:.1f}" for value in cells)
        rows.append(f"| {each.voice.name} | {shown} | {'met' if (after or 0) <= JUMP_LIMIT_LU else '**missed**'} |")
    return "\n".join(rows)


def _seams_after(pairs: Sequence[Neighbours]) -> list[float]:
    return [pair.seam_after for pair in pairs]


def _largest(values: Sequence[float]) -> float | None:
    """None: there are none."""
    return max(map(abs, values), default=None)


def main() -> None:
    for name in [name for name in os.environ if name.startswith("PODCAST_") and name != "PODCAST_CACHE_DIR"]:
        del os.environ[name]
    load = os.getloadavg()[0]
    with environment() as servers:
        found = results(servers)
    conditions = report.conditions(["python", "-m", "benchmarks.loudness"], load)
    page = DOCS / "loudness.md"
    for name, table in {"wholes": wholes(found), "steps": steps(found)}.items():
        sys.stdout.write(f"\n{table}\n")
        report.write(name, f"{table}\n\n{conditions}", to=page)
    (DOCS / "listening.html").write_text(listening.page(found, conditions), encoding="utf-8")


if __name__ == "__main__":
    main()
