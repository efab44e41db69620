"""MP3 segments whose level is moved without an encode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.audio.segments import mp3_frames, mp3_gain, segment
from shared.audio.segments.crc16 import crc16
from shared.audio.segments.segment import MasteredSegment
from shared.errors import BadAudio
from tests.unit.joining import material
from tests.unit.joining.material import KINDS, Episode, decoded, episode


def moved(made: Episode, steps: int) -> Episode:
    segments = [mp3_gain.moved(each, steps) for each in made.segments]
    chunks = [replace(placed, head=each.head) for placed, each in zip(made.placed, segments, strict=True)]
    return Episode(made.placement, chunks, made.chunks, segments)


@pytest.mark.parametrize("steps", [-4, -1, 2])
@pytest.mark.parametrize(("rate", "channels"), KINDS)
def test_every_sample_is_louder_by_the_steps_and_nothing_else_changes(
    rate: int, channels: int, steps: int, tmp_path: Path
) -> None:
    made = episode("mp3", rate, channels)
    samples = []
    for number, each in enumerate((made, moved(made, steps))):
        path = tmp_path / f"{number}.mp3"
        path.write_bytes(material.joined("mp3", each))
        samples.append(decoded(path, channels))
    before, after = samples
    assert np.abs(before).max() > 0.05
    assert after == pytest.approx(before * 2 ** (steps / 4), rel=1e-4, abs=2e-6)


def test_the_head_says_what_the_frames_are_now() -> None:
    for each in episode("mp3", 24_000, 1).segments:
        made = mp3_gain.moved(each, -2)
        assert segment.parse(made.to_bytes()).payload == made.payload != each.payload
        assert made.head.crc == crc16(made.payload)
        assert mp3_frames.sizes(made.payload, 24_000, 1) == each.head.sizes.tolist()
        assert made.head.true_peak_dbtp == pytest.approx(each.head.true_peak_dbtp - 3.01, abs=0.01)
        assert made.head.energies == pytest.approx(each.head.energies / 2, rel=1e-4)
        assert mp3_gain.moved(made, 2).payload == each.payload


def test_a_level_that_a_frame_cannot_say_is_refused() -> None:
    each = episode("mp3", 24_000, 1).segments[0]
    with pytest.raises(BadAudio, match="cannot be moved"):
        mp3_gain.moved(each, 200)
    with pytest.raises(BadAudio, match="not those"):
        mp3_gain.moved(MasteredSegment(each.head, each.payload[:-1]), 1)
