"""Chunks on the grid of a format."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from shared.audio.segments.segment import Head
from tests.unit.joining.material import place, whole

FRAME = 576


def head(seconds: float = 1.0, *, rate: int = 24_000) -> Head:
    samples = round(seconds * 10) * rate // 10
    frames = 3 - (-samples // FRAME) + 2
    return Head(
        *("mp3", "e", rate, 1, samples, FRAME, frames, 3, 2),
        sizes=np.full(frames, 100, np.uint16),
        payload_bytes=100 * frames,
        sha256="0" * 64,
        crc=0,
        gain_db=0.0,
        energies=np.ones(round(seconds * 10)),
        true_peak_dbtp=-3.0,
    )


def test_a_chunk_begins_at_the_frame_nearest_to_its_nominal_start() -> None:
    starts = [7_200, 7_200 + 24_000 + 16_800]
    chunks = place([head(), head()], starts)
    assert [placed.first for placed in chunks] == [13, 83]  # 12.5 is rounded up, 83.3 down
    assert [placed.first for placed in place([head()], [7_200 - 1])] == [12]
    placement = whole(chunks, 100_000)
    assert placement.frames == -(-100_000 // FRAME)
    assert placement.samples == 100_000


def test_rounding_never_adds_up() -> None:
    pause, count = 16_800, 5_000
    starts = [7_200 + number * (24_000 + pause) for number in range(count)]
    chunks = place([head()] * count, starts)
    off = [abs(placed.first * FRAME - start) for placed, start in zip(chunks, starts, strict=True)]
    assert max(off) <= FRAME / 2


def test_segments_never_overlap_and_what_was_moved_is_made_good() -> None:
    starts, at = [], 7_200
    for number in range(200):
        starts.append(at)
        at += 24_000 + (24_000 if number % 5 == 4 else 0)  # no pause at all, four times in five
    chunks = place([head()] * 200, starts)
    for before, after in pairwise(chunks):
        assert after.begins >= before.ends
    late = [placed.first * FRAME - start for placed, start in zip(chunks, starts, strict=True)]
    assert max(late) <= 4 * 6 * FRAME
    assert min(late[number] for number in range(0, 200, 5)) < FRAME
    assert max(late[number] for number in range(0, 200, 5)) < FRAME


def test_an_episode_is_as_long_as_its_last_segment() -> None:
    [only] = place([head()], [7_200])
    placement = whole([only], 7_200 + 10)
    assert placement.frames == only.ends
    assert placement.samples >= 7_200 + 24_000
