"""A joiner goes on where another one was, and no byte of the file changes."""

from __future__ import annotations

import hashlib
import json

import pytest

from shared.audio.joining import resumable_md5
from shared.audio.joining.joiner import State, Whole
from shared.audio.joining.resumable_md5 import Md5
from shared.protocol.messages import AudioFormat
from tests.unit.joining.material import LABELS, START, closed, episode, joined


@pytest.mark.parametrize("name", START)
@pytest.mark.parametrize("cuts", [(1,), (3, 4, 9)])
def test_a_file_whose_joiner_is_replaced_between_segments_is_the_same(name: AudioFormat, cuts: tuple[int, ...]) -> None:
    made = episode(name, 24_000, 1, 12)
    start = START[name]
    joiner, frames = start(made.placement.grid, LABELS), []
    states: list[State] = []
    for number, (placed, segment) in enumerate(zip(made.placed, made.segments, strict=True)):
        if number in cuts:
            states.append(json.loads(json.dumps(joiner.state())))  # as it is kept
            joiner = start(made.placement.grid, LABELS)
            for state in states:
                joiner.resume(state)
        frames.append(joiner.add(placed, segment.payload))
    assert closed(joiner, Whole(made.placement, LABELS), frames) == joined(name, made)


def test_an_md5_is_the_same_wherever_it_was_interrupted() -> None:
    data = bytes(range(256)) * 3
    for cut in (0, 1, 63, 64, 65, len(data)):
        first = Md5()
        first.update(data[:cut])
        second = Md5(first.state)
        second.update(data[cut:])
        assert second.digest() == hashlib.md5(data, usedforsecurity=False).digest()
        assert second.digest() == second.digest()


def test_without_openssl_flac_is_joined_as_before_and_cannot_be_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    made = episode("flac", 24_000, 1, 12)
    whole = joined("flac", made)
    monkeypatch.setattr(resumable_md5, "is_available", lambda: False)
    assert joined("flac", made) == whole
    assert START["flac"](made.placement.grid, LABELS).state() is None


def test_what_is_kept_grows_with_the_length_and_not_with_its_square() -> None:
    """The table for seeking grows: of a file of 30 hours, in a thousand parts, a thousand copies of it were kept."""
    made = episode("flac", 24_000, 1, 12)
    joiner = START["flac"](made.placement.grid, LABELS)
    points = []
    for placed, segment in zip(made.placed, made.segments, strict=True):
        joiner.add(placed, segment.payload)
        state = joiner.state()
        assert state is not None
        points += state["points"]
    assert len(points) > 1
    assert points == sorted(set(points))
